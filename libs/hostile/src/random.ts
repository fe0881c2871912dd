/** Numbers that look random and are the same for the same seed, on every machine (xorshift32 over a hashed seed). */
export class Random {
  private state: number;

  constructor(...seed: readonly (number | string)[]) {
    // FNV-1a
    let hash = 0x811c9dc5;
    for (const letter of seed.join('\0')) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
    this.state = hash >>> 0 || 1;
  }

  /** 0 … 2^32 - 1 */
  word(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    this.state >>>= 0;
    return this.state;
  }

  /** 0 … below - 1 */
  below(below: number): number {
    return this.word() % below;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }
}
