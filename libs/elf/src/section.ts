import { SectionType } from './constants.js';
import { Cursor } from './cursor.js';
import { ElfError } from './errors.js';
import { type ElfHeader, sectionHeaderSizeBytes } from './header.js';
import { type NameBudget, stringsOf } from './string-table.js';

/** A section and its bytes. */
export interface ElfSection {
  readonly index: number;
  readonly name: string;
  /** `SectionType`. */
  readonly type: number;
  /** `SectionFlag`s. */
  readonly flags: number;
  readonly address: bigint;
  /** Where its bytes start in the file. */
  readonly offset: number;
  /** In memory; a NOBITS section has a size and no bytes. */
  readonly sizeBytes: number;
  readonly link: number;
  readonly info: number;
  readonly align: number;
  readonly entrySizeBytes: number;
  /** A view into the file, empty for NOBITS. */
  readonly data: Uint8Array;
}

/** Reads all section headers; each section's bytes are checked to lie within the file. */
export function readSections(bytes: Uint8Array, header: ElfHeader, names: NameBudget): ElfSection[] {
  const { sectionCount, sectionHeaderOffset, sectionNamesIndex } = header;
  if (sectionCount === 0) return [];
  const cursor = new Cursor(bytes, 'the section header table');
  cursor.slice(sectionHeaderOffset, sectionCount * sectionHeaderSizeBytes);
  const at = (index: number) => sectionHeaderOffset + index * sectionHeaderSizeBytes;
  const nameAt = stringsOf(dataOf(cursor, at(sectionNamesIndex)), names);
  return Array.from({ length: sectionCount }, (_, index) => {
    const base = at(index);
    return {
      index,
      name: nameAt(cursor.u32(base)),
      type: cursor.u32(base + 4),
      flags: cursor.size(base + 8),
      address: cursor.u64(base + 16),
      offset: cursor.size(base + 24),
      sizeBytes: cursor.size(base + 32),
      link: cursor.u32(base + 40),
      info: cursor.u32(base + 44),
      align: alignOf(cursor, base),
      entrySizeBytes: cursor.size(base + 56),
      data: dataOf(cursor, base),
    };
  });
}

function dataOf(cursor: Cursor, base: number): Uint8Array {
  const type = cursor.u32(base + 4);
  if (type === SectionType.NOBITS || type === SectionType.NULL) return new Uint8Array(0);
  return cursor.slice(cursor.size(base + 24), cursor.size(base + 32));
}

function alignOf(cursor: Cursor, base: number): number {
  const align = cursor.size(base + 48);
  if (align === 0) return 1;
  if (align > 0x1_0000_0000 || !Number.isInteger(Math.log2(align)))
    throw new ElfError('bad-section', base + 48, `an alignment of ${align}`);
  return align;
}
