import { ElfError } from './errors.js';

const encoder = new TextEncoder();
/** Longer than any symbol a compiler makes; a table without NULs must not become one string of the file's size. */
const maxStringBytes = 8192;

/** The NUL-terminated string at an offset. Bytes are taken one to one (latin1), so that every name survives. */
export function stringAt(table: Uint8Array, offset: number): string {
  return new Strings(table).at(offset);
}

/**
 * How many bytes the names of one file may have together: a million symbols that share one long name, or parts of it, would
 * else take gigabytes. Real names overlap at most twice (`.rela.text.f` and `.text.f`).
 */
export class NameBudget {
  private left: number;

  constructor(fileSizeBytes: number) {
    this.left = 2 * fileSizeBytes + maxStringBytes;
  }

  /** @throws ElfError `too-large` */
  spend(sizeBytes: number, offset: number): void {
    this.left -= sizeBytes;
    if (this.left < 0) throw new ElfError('too-large', offset, 'names that share their bytes with too many others');
  }
}

/** The strings of one table. */
export class Strings {
  private readonly bytes: Buffer;

  constructor(table: Uint8Array) {
    this.bytes = Buffer.from(table.buffer, table.byteOffset, table.byteLength);
  }

  /** How long the string at an offset is. @throws ElfError where none ends within the table. */
  lengthAt(offset: number): number {
    const { bytes } = this;
    if (offset < 0 || offset >= bytes.length) {
      if (offset === 0) return 0;
      throw new ElfError('bad-string', offset, 'a name starts outside of its string table');
    }
    const end = bytes.indexOf(0, offset);
    if (end < 0) throw new ElfError('bad-string', offset, 'a name without an end');
    if (end - offset > maxStringBytes) throw new ElfError('too-large', offset, `a name of ${end - offset} bytes`);
    return end - offset;
  }

  at(offset: number): string {
    return this.bytes.toString('latin1', offset, offset + this.lengthAt(offset));
  }
}

/** Builds a string table: each name once, in the order they first come. */
export class StringTable {
  private readonly offsets = new Map<string, number>([['', 0]]);
  private readonly parts: Uint8Array[] = [Uint8Array.of(0)];
  private sizeBytes = 1;

  /** The name's offset. */
  add(name: string): number {
    const known = this.offsets.get(name);
    if (known !== undefined) return known;
    const offset = this.sizeBytes;
    const encoded = encoder.encode(`${name}\0`);
    this.offsets.set(name, offset);
    this.parts.push(encoded);
    this.sizeBytes += encoded.length;
    return offset;
  }

  bytes(): Uint8Array {
    const table = new Uint8Array(this.sizeBytes);
    let at = 0;
    for (const part of this.parts) {
      table.set(part, at);
      at += part.length;
    }
    return table;
  }
}
