import { SectionType } from './constants.js';
import { ElfError } from './errors.js';
import { type ElfHeader, readHeader } from './header.js';
import { type ElfRelocation, readRelocations } from './relocation.js';
import { type ElfSection, readSections } from './section.js';
import { type ElfSymbol, readSymbols } from './symbol.js';

/** An ELF file in memory: its parts are views into the bytes it was read from. */
export interface ElfFile {
  readonly header: ElfHeader;
  readonly sections: readonly ElfSection[];
  /** Of `.symtab`; empty for a stripped file. */
  readonly symbols: readonly ElfSymbol[];
}

/** Reads header, sections and symbols of a relocatable, a kernel module, or a vmlinux. Throws ElfError. */
export function readElf(bytes: Uint8Array): ElfFile {
  const header = readHeader(bytes);
  const sections = readSections(bytes, header);
  const tables = sections.filter((section) => section.type === SectionType.SYMTAB);
  if (tables.length > 1) throw new ElfError('bad-header', 0, `${tables.length} symbol tables`);
  return { header, sections, symbols: tables[0] === undefined ? [] : readSymbols(sections, tables[0]) };
}

/** The first section of that name. */
export function sectionNamed(file: ElfFile, name: string): ElfSection | undefined {
  return file.sections.find((section) => section.name === name);
}

/** All relocations of a relocatable file, by the index of the section they apply to. */
export function relocationsBySection(
  file: ElfFile,
  wanted: (target: ElfSection) => boolean = () => true,
): Map<number, ElfRelocation[]> {
  const found = new Map<number, ElfRelocation[]>();
  for (const section of file.sections) {
    if (section.type !== SectionType.RELA && section.type !== SectionType.REL) continue;
    const target = file.sections[section.info];
    if (target === undefined || section.info === 0)
      throw new ElfError('bad-relocation', section.offset, `${section.name}: for section ${section.info}`);
    if (!wanted(target)) continue;
    const more = readRelocations(section, file.symbols);
    const known = found.get(section.info);
    found.set(section.info, known === undefined ? more : known.concat(more));
  }
  return found;
}
