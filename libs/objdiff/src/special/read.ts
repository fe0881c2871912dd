import { type ElfFile, type ElfRelocation, type ElfSection, sectionNamed } from '#libs/elf';
import type { Atom, Reference, SpecialEntry } from '../model/atom.js';
import { listAt } from '../model/lists.js';
import type { Resolver } from '../model/resolver.js';
import { type SpecialFormat, specialFormats, unwindEntrySizeBytes } from './formats.js';

export interface SpecialProblem {
  readonly section: string;
  readonly problem: string;
}

/** A reader's view of one object's relocations. */
interface Source {
  readonly elf: ElfFile;
  readonly relocations: ReadonlyMap<number, readonly ElfRelocation[]>;
  readonly resolver: Resolver;
  /** `.orc_unwind`, beside `.orc_unwind_ip`. */
  readonly unwind: ElfSection | undefined;
  /** Of `.altinstr_replacement`, in order. */
  readonly replacements: readonly ElfRelocation[];
}

/** Gives each function its entries of the special sections; says which sections don't look as they should. */
export function readSpecialSections(
  elf: ElfFile,
  relocations: ReadonlyMap<number, readonly ElfRelocation[]>,
  resolver: Resolver,
): SpecialProblem[] {
  const replacement = sectionNamed(elf, '.altinstr_replacement');
  const replacements = [...(relocations.get(replacement?.index ?? -1) ?? [])].sort((a, b) => a.offset - b.offset);
  const source = { elf, relocations, resolver, unwind: sectionNamed(elf, '.orc_unwind'), replacements };
  const problems: SpecialProblem[] = [];
  for (const format of specialFormats)
    for (const section of elf.sections.filter((candidate) => candidate.name === format.section)) {
      const problem = readSection(source, section, format);
      if (problem !== undefined) problems.push({ section: section.name, problem });
    }
  return problems;
}

/** An entry size that a newer kernel has changed shows here: relocations then fall between the fields. */
function readSection(source: Source, section: ElfSection, format: SpecialFormat): string | undefined {
  const { entrySizeBytes } = format;
  if (section.sizeBytes % entrySizeBytes !== 0) return `${section.sizeBytes} bytes are no entries of ${entrySizeBytes}`;
  const byEntry = new Map<number, ElfRelocation[]>();
  for (const relocation of source.relocations.get(section.index) ?? []) {
    if (relocation.type === 0) continue;
    if (!format.fields.includes(relocation.offset % entrySizeBytes))
      return `a relocation at byte ${relocation.offset % entrySizeBytes} of an entry`;
    const index = Math.floor(relocation.offset / entrySizeBytes);
    listAt(byEntry, index).push(relocation);
  }
  for (let index = 0; index < section.sizeBytes / entrySizeBytes; index++) {
    const problem = readEntry(source, section, format, index, byEntry.get(index) ?? []);
    if (problem !== undefined) return `entry ${index}: ${problem}`;
  }
  return undefined;
}

function readEntry(
  source: Source,
  section: ElfSection,
  format: SpecialFormat,
  index: number,
  relocations: readonly ElfRelocation[],
): string | undefined {
  const start = index * format.entrySizeBytes;
  const references = relocations
    .map((relocation) => source.resolver.reference(relocation, section, start))
    .sort((a, b) => a.at - b.at);
  const code = references[0];
  if (code === undefined || code.at !== 0) return 'no relocation to code';
  if (code.target.kind !== 'atom' || code.target.atom.kind !== 'function') return 'not about code of this object';
  const owner: Atom = code.target.atom;
  const bytes = section.data.subarray(start, start + format.entrySizeBytes);
  const entry: SpecialEntry = { section: section.name, codeOffset: code.addend, bytes, references };
  if (section.name === '.altinstructions') return readAlternative(source, owner, entry, relocations);
  if (section.name === '.orc_unwind_ip') return readUnwind(source, owner, entry, index);
  owner.special.push(entry);
  return undefined;
}

/** The replacement lies in `.altinstr_replacement`, with relocations of its own; the second field points at it. */
function readAlternative(
  source: Source,
  owner: Atom,
  entry: SpecialEntry,
  relocations: readonly ElfRelocation[],
): string | undefined {
  const pointer = relocations.find((relocation) => relocation.offset % entry.bytes.length === 4);
  const length = entry.bytes[11] ?? 0;
  const section = pointer && source.elf.sections[pointer.symbol.sectionIndex];
  if (pointer === undefined || section?.name !== '.altinstr_replacement') return 'no replacement';
  const start = Number(pointer.symbol.value) + pointer.addend;
  if (start < 0 || start + length > section.sizeBytes) return 'a replacement outside of its section';
  const references = source.replacements
    .filter(({ offset, type }) => type !== 0 && offset >= start && offset < start + length)
    .map((relocation) => source.resolver.reference(relocation, section, start))
    .sort((a, b) => a.at - b.at);
  owner.special.push({
    ...entry,
    references: entry.references.filter((reference: Reference) => reference.at === 0),
    replacement: { bytes: section.data.subarray(start, start + length), references },
  });
  return undefined;
}

function readUnwind(source: Source, owner: Atom, entry: SpecialEntry, index: number): string | undefined {
  const section = source.unwind;
  const start = index * unwindEntrySizeBytes;
  if (section === undefined || start + unwindEntrySizeBytes > section.data.length) return 'no half in .orc_unwind';
  owner.special.push({ ...entry, unwind: section.data.subarray(start, start + unwindEntrySizeBytes) });
  return undefined;
}
