/** What a line is in a change, or that the text is a subject: the same text hashes differently as each. */
export const hashSeeds = {
  added: 0x9e3779b1,
  removed: 0x85ebca77,
  subject: 0xc2b2ae3d,
  subjectToo: 0x27d4eb2f,
} as const;

/** 32 bits of a text (FNV-1a, then mixed). Not for anything that an attacker may not choose: equal hashes only suggest equal texts. */
export function textHash(text: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A set of 32-bit hashes in one array: a tenth of the memory of a Set, and none of its boxes. */
export class HashSet {
  private table = new Uint32Array(64);
  private taken = 0;
  private hasZero = false;

  add(hash: number): void {
    if (hash === 0) this.hasZero = true;
    else {
      if (this.taken * 2 >= this.table.length) this.grow();
      this.put(hash);
    }
  }

  has(hash: number): boolean {
    if (hash === 0) return this.hasZero;
    const { table } = this;
    const mask = table.length - 1;
    for (let at = hash & mask; table[at] !== 0; at = (at + 1) & mask) if (table[at] === hash) return true;
    return false;
  }

  private put(hash: number): void {
    const { table } = this;
    const mask = table.length - 1;
    let at = hash & mask;
    for (; table[at] !== 0; at = (at + 1) & mask) if (table[at] === hash) return;
    table[at] = hash;
    this.taken += 1;
  }

  private grow(): void {
    const old = this.table;
    this.table = new Uint32Array(old.length * 2);
    this.taken = 0;
    for (const hash of old) if (hash !== 0) this.put(hash);
  }
}
