import { SectionIndex, SectionType, SymbolType } from './constants.js';
import { Cursor } from './cursor.js';
import { ElfError } from './errors.js';
import type { ElfSection } from './section.js';
import { type NameBudget, Strings } from './string-table.js';
import { Table } from './table.js';

/** A symbol table entry (gABI "Symbol Table"): a view of its bytes in the file. */
export class ElfSymbol {
  constructor(
    private readonly table: SymbolTable,
    readonly index: number,
  ) {}

  private get base(): number {
    return this.index * symbolSizeBytes;
  }

  /** A section symbol has the name of its section. */
  get name(): string {
    const { cursor, names, sections } = this.table;
    const own = names.at(cursor.u32(this.base));
    return own === '' && this.type === SymbolType.SECTION ? (sections[this.sectionIndex]?.name ?? '') : own;
  }

  /** `SymbolBinding`. */
  get binding(): number {
    return this.table.cursor.u8(this.base + 4) >> 4;
  }

  /** `SymbolType`. */
  get type(): number {
    return this.table.cursor.u8(this.base + 4) & 15;
  }

  get other(): number {
    return this.table.cursor.u8(this.base + 5);
  }

  /** Index of the defining section, or a reserved `SectionIndex`. */
  get sectionIndex(): number {
    return this.table.cursor.u16(this.base + 6);
  }

  /** Offset in its section (relocatable) or address. */
  get value(): bigint {
    return this.table.cursor.u64(this.base + 8);
  }

  get sizeBytes(): number {
    return this.table.cursor.size(this.base + 16);
  }
}

class SymbolTable extends Table<ElfSymbol> {
  constructor(
    length: number,
    readonly cursor: Cursor,
    readonly names: Strings,
    readonly sections: readonly ElfSection[],
  ) {
    super(length);
  }

  protected entryAt(index: number): ElfSymbol {
    return new ElfSymbol(this, index);
  }
}

export const symbolSizeBytes = 24;
const maxSymbols = 4_000_000;

/** Reads one symbol table section; each entry is checked. */
export function readSymbols(sections: readonly ElfSection[], table: ElfSection, budget: NameBudget): Table<ElfSymbol> {
  if (table.type !== SectionType.SYMTAB) throw new ElfError('bad-section', table.offset, `${table.name}: no symbols`);
  if (table.entrySizeBytes !== symbolSizeBytes || table.sizeBytes % symbolSizeBytes !== 0)
    throw new ElfError('bad-symbol', table.offset, `symbols of ${table.entrySizeBytes} bytes in ${table.sizeBytes}`);
  const count = table.sizeBytes / symbolSizeBytes;
  if (count > maxSymbols) throw new ElfError('too-large', table.offset, `${count} symbols`);
  const strings = sections[table.link];
  if (strings === undefined || strings.type !== SectionType.STRTAB)
    throw new ElfError('bad-symbol', table.offset, 'a symbol table without its string table');
  const cursor = new Cursor(table.data, 'the symbol table');
  const names = new Strings(strings.data);
  for (let base = 0; base < count * symbolSizeBytes; base += symbolSizeBytes) {
    const sectionIndex = cursor.u16(base + 6);
    if (sectionIndex === SectionIndex.XINDEX)
      throw new ElfError('unsupported', base + 6, 'a symbol with an extended section index');
    if (sectionIndex < SectionIndex.LORESERVE && sectionIndex >= sections.length)
      throw new ElfError('bad-symbol', base + 6, `a symbol in section ${sectionIndex} of ${sections.length}`);
    const name = cursor.u32(base);
    budget.spend(names.lengthAt(name), name);
    cursor.size(base + 16);
  }
  return new SymbolTable(count, cursor, names, sections);
}
