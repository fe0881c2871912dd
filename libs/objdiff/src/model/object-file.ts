import {
  type ElfFile,
  ElfError,
  type ElfRelocation,
  ElfType,
  type ElfSection,
  readElf,
  relocationsBySection,
} from '#libs/elf';
import { readSpecialSections } from '../special/read.js';
import type { Atom, Reference } from './atom.js';
import { atomsOf } from './atoms.js';
import { Resolver } from './resolver.js';
import { roleOf, type SectionRole } from './section-role.js';

/** A compiled object as atoms and the references between them. */
export interface ObjectFile {
  readonly elf: ElfFile;
  readonly atoms: readonly Atom[];
  /** Names of `__ksymtab` entries: what it exports. */
  readonly exports: readonly string[];
  /** What kept a special section from being read: its code can't be moved. */
  readonly specialProblems: readonly { readonly section: string; readonly problem: string }[];
}

/** Reads an object into atoms. Throws ElfError for bytes that are no relocatable object. */
export function readObject(bytes: Uint8Array): ObjectFile {
  const elf = readElf(bytes);
  if (elf.header.type !== ElfType.REL) throw new ElfError('unsupported', 16, 'not a relocatable object');
  const roles = elf.sections.map(roleOf);
  const relocations = relocationsBySection(elf, (section) => roles[section.index] !== 'ignored');
  const atoms = elf.sections.flatMap((section) => atomsOf(elf, section, roles[section.index] ?? 'ignored'));
  const resolver = new Resolver(elf, roles, atoms);
  for (const atom of atoms) atom.references = referencesOf(atom, relocations.get(atom.section.index) ?? [], resolver);
  const specialProblems = readSpecialSections(elf, relocations, resolver);
  return { elf, atoms, exports: exportsOf(elf.sections, roles), specialProblems };
}

function referencesOf(atom: Atom, relocations: readonly ElfRelocation[], resolver: Resolver): Reference[] {
  const end = atom.start + atom.sizeBytes;
  return relocations
    .filter((relocation) => relocation.offset >= atom.start && relocation.offset < end && relocation.type !== 0)
    .map((relocation) => resolver.reference(relocation, atom.section, atom.start))
    .sort((a, b) => a.at - b.at);
}

/** `___ksymtab_gpl+name` (6.1 has a section for each export). */
function exportsOf(sections: readonly ElfSection[], roles: readonly SectionRole[]): string[] {
  return sections
    .filter((section) => roles[section.index] === 'export')
    .flatMap((section) => /^___?ksymtab(?:_gpl)?\+(.+)$/.exec(section.name)?.[1] ?? []);
}
