const [tab, newline, space] = [0x09, 0x0a, 0x20] as const;

/**
 * The text of /proc/kallsyms with an index of its names: `ADDRESS TYPE NAME` and, for a module's, a tab and `[MODULE]` (proc(5); addresses
 * may be hidden, names never are, and all addresses are of one width). No string is made of the hundred thousand that nobody asks for: lines whose
 * names have one hash are a chain of numbers. So what is asked later, of however many names, costs next to nothing.
 */
export class SymbolTable {
  readonly #beforeName: number;
  /** By line, from 1: where its name begins, and the line before it in its chain; 0 ends one. */
  readonly #names: Int32Array;
  readonly #previous: Int32Array;
  /** By hash: the last line of the chain. */
  readonly #last: Int32Array;

  constructor(private readonly text: Buffer) {
    this.#beforeName = text.indexOf(space) + ' t '.length;
    const maxLines = Math.ceil(text.length / (this.#beforeName + 'n\n'.length)) + 1;
    this.#names = new Int32Array(maxLines);
    this.#previous = new Int32Array(maxLines);
    this.#last = new Int32Array(1 << Math.max(1, Math.ceil(Math.log2(maxLines))));
    this.index();
  }

  /** How often a name occurs in `vmlinux`, or in a module. */
  count(object: string, name: string): number {
    const wanted = object === 'vmlinux' ? `${name}\n` : `${name}\t[${object}]\n`;
    const key = Buffer.from(name, 'latin1');
    let count = 0;
    for (let line = this.#last[this.slotOf(hashOf(key, 0).hash)] ?? 0; line > 0; line = this.#previous[line] ?? 0) {
      const at = this.#names[line] ?? 0;
      if (this.text.toString('latin1', at, at + wanted.length) === wanted) count++;
    }
    return count;
  }

  private index(): void {
    const { text } = this;
    let line = 0;
    for (let from = 0; from < text.length;) {
      const name = from + this.#beforeName;
      let end = from;
      if (text[name - 1] === space && text[name - 3] === space) {
        const hashed = hashOf(text, name);
        end = hashed.end;
        const slot = this.slotOf(hashed.hash);
        line++;
        this.#names[line] = name;
        this.#previous[line] = this.#last[slot] ?? 0;
        this.#last[slot] = line;
      }
      if (text[end] !== newline) end = text.indexOf(newline, end);
      if (end < 0) return;
      from = end + 1;
    }
  }

  private slotOf(hash: number): number {
    return (hash ^ (hash >>> 15)) & (this.#last.length - 1);
  }
}

/** FNV-1a over a name, and where it ends. */
function hashOf(bytes: Uint8Array, from: number): { readonly hash: number; readonly end: number } {
  let hash = 0x811c9dc5;
  let at = from;
  for (; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === newline || byte === tab) break;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return { hash, end: at };
}
