import { SectionType } from './constants.js';
import { Cursor } from './cursor.js';
import { ElfError } from './errors.js';
import { type ElfHeader, sectionHeaderSizeBytes } from './header.js';
import { type NameBudget, Strings } from './string-table.js';

/** A section and its bytes: a view of its header in the file. */
export class ElfSection {
  constructor(
    private readonly headers: SectionHeaders,
    readonly index: number,
  ) {}

  /** The whole file. */
  get file(): Cursor {
    return this.headers.cursor;
  }

  private get base(): number {
    return this.headers.start + this.index * sectionHeaderSizeBytes;
  }

  get name(): string {
    return this.headers.names.at(this.headers.cursor.u32(this.base));
  }

  /** `SectionType`. */
  get type(): number {
    return this.headers.cursor.u32(this.base + 4);
  }

  /** `SectionFlag`s. */
  get flags(): number {
    return this.headers.cursor.size(this.base + 8);
  }

  get address(): bigint {
    return this.headers.cursor.u64(this.base + 16);
  }

  /** Where its bytes start in the file. */
  get offset(): number {
    return this.headers.cursor.size(this.base + 24);
  }

  /** In memory; a NOBITS section has a size and no bytes. */
  get sizeBytes(): number {
    return this.headers.cursor.size(this.base + 32);
  }

  get link(): number {
    return this.headers.cursor.u32(this.base + 40);
  }

  get info(): number {
    return this.headers.cursor.u32(this.base + 44);
  }

  get align(): number {
    return alignOf(this.headers.cursor, this.base);
  }

  get entrySizeBytes(): number {
    return this.headers.cursor.size(this.base + 56);
  }

  /** A view into the file, empty for NOBITS. */
  get data(): Uint8Array {
    return dataOf(this.headers.cursor, this.base);
  }

  /** How many bytes it has in the file. */
  get fileSizeBytes(): number {
    return hasNoBytes(this.type) ? 0 : this.sizeBytes;
  }
}

/** Where the section headers are, and their names. */
interface SectionHeaders {
  readonly cursor: Cursor;
  readonly start: number;
  readonly names: Strings;
}

/** Reads all section headers; each section's name and bytes are checked to lie within the file. */
export function readSections(bytes: Uint8Array, header: ElfHeader, budget: NameBudget): ElfSection[] {
  const { sectionCount, sectionHeaderOffset: start, sectionNamesIndex } = header;
  if (sectionCount === 0) return [];
  const cursor = new Cursor(bytes, 'the section header table');
  cursor.slice(start, sectionCount * sectionHeaderSizeBytes);
  const names = new Strings(dataOf(cursor, start + sectionNamesIndex * sectionHeaderSizeBytes));
  const headers: SectionHeaders = { cursor, start, names };
  return Array.from({ length: sectionCount }, (_, index) => {
    check(headers, start + index * sectionHeaderSizeBytes, budget);
    return new ElfSection(headers, index);
  });
}

/** Throws what reading the fields later would. */
function check({ cursor, names }: SectionHeaders, base: number, budget: NameBudget): void {
  const name = cursor.u32(base);
  budget.spend(names.lengthAt(name), name);
  for (const field of [8, 24, 32, 56]) cursor.size(base + field);
  alignOf(cursor, base);
  if (!hasNoBytes(cursor.u32(base + 4))) cursor.check(cursor.size(base + 24), cursor.size(base + 32));
}

function hasNoBytes(type: number): boolean {
  return type === SectionType.NOBITS || type === SectionType.NULL;
}

const noBytes = new Uint8Array(0);

function dataOf(cursor: Cursor, base: number): Uint8Array {
  if (hasNoBytes(cursor.u32(base + 4))) return noBytes;
  return cursor.slice(cursor.size(base + 24), cursor.size(base + 32));
}

function alignOf(cursor: Cursor, base: number): number {
  const align = cursor.size(base + 48);
  if (align === 0) return 1;
  if (align > 0x1_0000_0000 || !Number.isInteger(Math.log2(align)))
    throw new ElfError('bad-section', base + 48, `an alignment of ${align}`);
  return align;
}
