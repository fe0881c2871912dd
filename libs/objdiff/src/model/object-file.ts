import {
  type ElfFile,
  ElfError,
  type ElfRelocation,
  ElfType,
  type ElfSection,
  type ElfSymbol,
  readElf,
  relocationsBySection,
  RelocationType,
} from '#libs/elf';
import { checkDescriptors } from '../special/descriptors.js';
import type { TableSizes } from '../special/formats.js';
import { readSpecialSections, type SpecialProblem } from '../special/read.js';
import type { Atom, Reference } from './atom.js';
import { atomsOf, cutsOf } from './atoms.js';
import { lastAtOrBefore, listAt } from './lists.js';
import { Resolver } from './resolver.js';
import { markTraced } from './traced.js';
import { roleOf, type SectionRole } from './section-role.js';

/** A compiled object as atoms and the references between them. */
export interface ObjectFile {
  readonly elf: ElfFile;
  readonly atoms: readonly Atom[];
  /** Names of `__ksymtab` entries: what it exports. */
  readonly exports: readonly string[];
  /** What kept a special section from being read: its code can't be moved. */
  readonly specialProblems: readonly SpecialProblem[];
  /** Reads what code needs to be moved and not to be compared (unwinding data, sites to patch), into its atoms. */
  readTablesToCopy(): readonly SpecialProblem[];
}

/** All of amdgpu.ko has 26,000. An atom takes a kilobyte in memory and a symbol 24 bytes in the file. */
const maxSymbols = 100_000;

/** Reads an object into atoms. Throws ElfError for bytes that are no relocatable object. */
export function readObject(bytes: Uint8Array, sizes: TableSizes = {}): ObjectFile {
  const elf = readElf(bytes);
  if (elf.header.type !== ElfType.REL) throw new ElfError('unsupported', 16, 'not a relocatable object');
  if (elf.symbols.length > maxSymbols)
    throw new ElfError('too-large', 0, `${elf.symbols.length} symbols in one object, of ${maxSymbols} that are read`);
  const roles = elf.sections.map(roleOf);
  const relocations = relocationsBySection(elf, (section) => roles[section.index] !== 'ignored');
  const symbols = new Map<number, ElfSymbol[]>();
  for (const symbol of elf.symbols) listAt(symbols, symbol.sectionIndex).push(symbol);
  const cuts = cutsOf(elf, roles, relocations);
  const atoms = elf.sections.map((section) =>
    atomsOf(section, roles[section.index] ?? 'ignored', symbols.get(section.index) ?? [], cuts),
  );
  const resolver = new Resolver(elf, roles, atoms);
  for (const section of elf.sections)
    addReferences(atoms[section.index] ?? [], relocations.get(section.index) ?? [], section, resolver);
  const specialProblems = readSpecialSections(elf, relocations, resolver, sizes, 'compared');
  const all = atoms.flat();
  markTraced(elf, all);
  specialProblems.push(...checkDescriptors(all, sizes));
  return {
    elf,
    atoms: all,
    exports: exportsOf(elf.sections, roles),
    specialProblems,
    readTablesToCopy: once(() => readSpecialSections(elf, relocations, resolver, sizes, 'copied')),
  };
}

/** Gives each relocation of a section to the atom that it lies in. */
function addReferences(
  atoms: readonly Atom[],
  relocations: readonly ElfRelocation[],
  section: ElfSection,
  resolver: Resolver,
): void {
  const lists = new Map<Atom, Reference[]>();
  for (const relocation of relocations) {
    const atom = lastAtOrBefore(atoms, relocation.offset, ({ start }) => start) ?? atoms[0];
    if (atom === undefined) continue;
    if (relocation.type === RelocationType.NONE) {
      if (relocation.symbol.name === '__fentry__') atom.noppedCallAt = relocation.offset - 1 - atom.start;
      continue;
    }
    listAt(lists, atom).push(resolver.reference(relocation, section, atom.start));
  }
  for (const [atom, references] of lists) atom.references = references.sort((a, b) => a.at - b.at);
}

/** `___ksymtab_gpl+name` (6.1 has a section for each export). */
function exportsOf(sections: readonly ElfSection[], roles: readonly SectionRole[]): string[] {
  return sections
    .filter((section) => roles[section.index] === 'export')
    .flatMap((section) => /^___?ksymtab(?:_gpl)?\+(.+)$/.exec(section.name)?.[1] ?? []);
}

function once<T>(work: () => T): () => T {
  let done: { readonly result: T } | undefined;
  return () => (done ??= { result: work() }).result;
}
