import { SectionType } from './constants.js';
import { ElfError } from './errors.js';
import { type ElfHeader, readHeader } from './header.js';
import { type ElfRelocation, readRelocations } from './relocation.js';
import { type ElfSection, readSections } from './section.js';
import { NameBudget } from './string-table.js';
import { type ElfSymbol, readSymbols } from './symbol.js';
import { joined, type Table } from './table.js';

/** An ELF file in memory: its parts are views into the bytes it was read from. */
export interface ElfFile {
  readonly sizeBytes: number;
  readonly header: ElfHeader;
  readonly sections: readonly ElfSection[];
  /** Of `.symtab`; empty for a stripped file. */
  readonly symbols: Table<ElfSymbol>;
}

const noSymbols = joined<ElfSymbol>([]);

/** Reads header, sections and symbols of a relocatable, a kernel module, or a vmlinux. Throws ElfError. */
export function readElf(bytes: Uint8Array): ElfFile {
  const header = readHeader(bytes);
  const names = new NameBudget(bytes.length);
  const sections = readSections(bytes, header, names);
  const tables = sections.filter((section) => section.type === SectionType.SYMTAB);
  if (tables.length > 1) throw new ElfError('bad-header', 0, `${tables.length} symbol tables`);
  const symbols = tables[0] === undefined ? noSymbols : readSymbols(sections, tables[0], names);
  return { sizeBytes: bytes.length, header, sections, symbols };
}

/** The first section of that name. */
export function sectionNamed(file: ElfFile, name: string): ElfSection | undefined {
  return file.sections.find((section) => section.name === name);
}

/**
 * All relocations of a relocatable file, by the index of the section they apply to. Sections that lie upon each other don't
 * make more of them than the file has bytes for.
 */
export function relocationsBySection(
  file: ElfFile,
  wanted: (target: ElfSection) => boolean = () => true,
): Map<number, Table<ElfRelocation>> {
  const found = new Map<number, Table<ElfRelocation>>();
  /** Of the few sections that have several: the livepatch loader's are beside the ordinary ones. */
  const several = new Map<number, Table<ElfRelocation>[]>();
  let left = file.sizeBytes;
  for (const section of file.sections) {
    if (section.type !== SectionType.RELA && section.type !== SectionType.REL) continue;
    const { info } = section;
    const target = file.sections[info];
    if (target === undefined || info === 0)
      throw new ElfError('bad-relocation', section.offset, `${section.name}: for section ${info}`);
    if (!wanted(target)) continue;
    left -= section.sizeBytes;
    if (left < 0) throw new ElfError('too-large', section.offset, `${section.name}: more relocations than bytes`);
    const more = readRelocations(section, file.symbols);
    const first = found.get(info);
    const parts = several.get(info);
    if (first === undefined) found.set(info, more);
    else if (parts === undefined) several.set(info, [first, more]);
    else parts.push(more);
  }
  for (const [info, parts] of several) found.set(info, joined(parts));
  return found;
}
