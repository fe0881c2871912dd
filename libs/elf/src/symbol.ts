import { SectionIndex, SectionType, SymbolType } from './constants.js';
import { Cursor } from './cursor.js';
import { ElfError } from './errors.js';
import type { ElfSection } from './section.js';
import { type NameBudget, stringsOf } from './string-table.js';

/** A symbol table entry (gABI "Symbol Table"). */
export interface ElfSymbol {
  readonly index: number;
  /** A section symbol has the name of its section. */
  readonly name: string;
  /** `SymbolBinding`. */
  readonly binding: number;
  /** `SymbolType`. */
  readonly type: number;
  readonly other: number;
  /** Index of the defining section, or a reserved `SectionIndex`. */
  readonly sectionIndex: number;
  /** Offset in its section (relocatable) or address. */
  readonly value: bigint;
  readonly sizeBytes: number;
}

export const symbolSizeBytes = 24;
const maxSymbols = 4_000_000;

/** Reads one symbol table section. */
export function readSymbols(sections: readonly ElfSection[], table: ElfSection, names: NameBudget): ElfSymbol[] {
  if (table.type !== SectionType.SYMTAB) throw new ElfError('bad-section', table.offset, `${table.name}: no symbols`);
  if (table.entrySizeBytes !== symbolSizeBytes || table.sizeBytes % symbolSizeBytes !== 0)
    throw new ElfError('bad-symbol', table.offset, `symbols of ${table.entrySizeBytes} bytes in ${table.sizeBytes}`);
  const count = table.sizeBytes / symbolSizeBytes;
  if (count > maxSymbols) throw new ElfError('too-large', table.offset, `${count} symbols`);
  const strings = sections[table.link];
  if (strings === undefined || strings.type !== SectionType.STRTAB)
    throw new ElfError('bad-symbol', table.offset, 'a symbol table without its string table');
  const cursor = new Cursor(table.data, 'the symbol table');
  const nameAt = stringsOf(strings.data, names);
  return Array.from({ length: count }, (_, index) => {
    const base = index * symbolSizeBytes;
    const info = cursor.u8(base + 4);
    const sectionIndex = cursor.u16(base + 6);
    if (sectionIndex === SectionIndex.XINDEX)
      throw new ElfError('unsupported', base + 6, 'a symbol with an extended section index');
    if (sectionIndex < SectionIndex.LORESERVE && sectionIndex >= sections.length)
      throw new ElfError('bad-symbol', base + 6, `a symbol in section ${sectionIndex} of ${sections.length}`);
    const ownName = nameAt(cursor.u32(base));
    return {
      index,
      name: (info & 15) === SymbolType.SECTION && ownName === '' ? (sections[sectionIndex]?.name ?? '') : ownName,
      binding: info >> 4,
      type: info & 15,
      other: cursor.u8(base + 5),
      sectionIndex,
      value: cursor.u64(base + 8),
      sizeBytes: cursor.size(base + 16),
    };
  });
}
