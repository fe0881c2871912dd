import {
  type ElfFile,
  ElfError,
  type ElfRelocation,
  ElfType,
  type ElfSection,
  type ElfSymbol,
  type List,
  MemoryBudget,
  readElf,
  relocationsBySection,
  RelocationType,
  sectionNamed,
  type Table,
} from '#libs/elf';
import { checkDescriptors } from '../special/descriptors.js';
import type { TableSizes } from '../special/formats.js';
import { SpecialTables, type SpecialProblem } from '../special/read.js';
import type { Atom, SpecialEntry } from './atom.js';
import { Atoms, cutsOf } from './atoms.js';
import type { AtomContents } from './compiled-atom.js';
import { costOf } from './costs.js';
import { countAtOrBefore } from './lists.js';
import { SectionReferences } from './references.js';
import { inOrder } from './relocations.js';
import { Resolver } from './resolver.js';
import { roleOf, type SectionRole } from './section-role.js';
import { SortedSymbols } from './sorted-symbols.js';
import { markTraced } from './traced.js';

/** A compiled object as atoms and the references between them. */
export interface ObjectFile {
  readonly elf: ElfFile;
  readonly atoms: readonly Atom[];
  /** Calls back with each reference of an atom's own that leads to another atom: its index, and which reference it is. */
  eachTarget(atom: Atom, visit: (target: number, reference: number) => void): void;
  /** Names of `__ksymtab` entries: what it exports. */
  readonly exports: readonly string[];
  /** What kept a special section from being read: its code can't be moved. */
  readonly specialProblems: readonly SpecialProblem[];
  /** Reads what code needs to be moved and not to be compared (unwinding data, sites to patch), into its atoms. */
  readTablesToCopy(): readonly SpecialProblem[];
}

/** Of a module's parameters, aliases and firmware. Of all modules of Debian's 6.1, amdgpu has the most, 41 kB. */
const maxModinfoBytes = 128 * 1024;

/** Reads an object into atoms. Throws ElfError for bytes that are no relocatable object. */
export function readObject(bytes: Uint8Array, sizes: TableSizes = {}): ObjectFile {
  const elf = readElf(bytes);
  if (elf.header.type !== ElfType.REL) throw new ElfError('unsupported', 16, 'not a relocatable object');
  const budget = new MemoryBudget(bytes.length);
  budget.spend(costOf.section * elf.sections.length, 'sections');
  const roles = elf.sections.map(roleOf);
  const modinfo = sectionNamed(elf, '.modinfo');
  if (modinfo !== undefined && modinfo.fileSizeBytes > maxModinfoBytes)
    throw new ElfError('too-large', modinfo.offset, `.modinfo of ${modinfo.fileSizeBytes} bytes`);
  const relocations = relocationsBySection(elf, (section) => roles[section.index] !== 'ignored');
  for (const { length } of relocations.values()) budget.spend(costOf.relocation * length, 'relocations');
  const contents = new Contents();
  const symbols = new SortedSymbols(elf);
  const atoms = new Atoms(elf, roles, symbols, cutsOf(elf, roles, relocations, budget), contents, budget);
  const resolver = new Resolver(elf, roles, atoms);
  addReferences(elf, atoms, relocations, resolver);
  const tables = new SpecialTables({ elf, relocations, resolver, sizes, budget }, atoms.all);
  contents.hold(symbols, tables);
  const specialProblems = tables.read('compared');
  markTraced(elf, atoms.all);
  specialProblems.push(...checkDescriptors(atoms.all, sizes));
  return {
    elf,
    atoms: atoms.all,
    eachTarget: ({ index }, visit) => atoms.all[index]?.eachTarget(visit),
    exports: exportsOf(elf.sections, roles),
    specialProblems,
    readTablesToCopy: once(() => tables.read('copied')),
  };
}

/** What atoms need to make their lists of, once all of it is read. */
class Contents implements AtomContents {
  private sorted: SortedSymbols | undefined;
  private tables: SpecialTables | undefined;
  private last: { section: ElfSection; from: number; bytes: Uint8Array } | undefined;

  hold(sorted: SortedSymbols, tables: SpecialTables): void {
    this.sorted = sorted;
    this.tables = tables;
  }

  symbols(from: number, to: number): readonly ElfSymbol[] {
    return this.sorted?.between(from, to) ?? [];
  }

  special(atom: Atom): List<SpecialEntry> {
    return this.tables?.of(atom) ?? [];
  }

  bytes(section: ElfSection, from: number, to: number): Uint8Array {
    if (this.last?.section !== section || this.last.from !== from)
      this.last = { section, from, bytes: section.data.subarray(from, to) };
    return this.last.bytes;
  }
}

/** Gives each relocation of a section to the atom that it lies in. */
function addReferences(
  elf: ElfFile,
  atoms: Atoms,
  relocations: ReadonlyMap<number, Table<ElfRelocation>>,
  resolver: Resolver,
): void {
  let total = 0;
  for (const [index, { length }] of relocations) if (hasAtoms(atoms, index)) total += length;
  const targets = new Uint32Array(total);
  let base = 0;
  for (const section of elf.sections) {
    const list = relocations.get(section.index);
    if (list === undefined || !hasAtoms(atoms, section.index)) continue;
    const ordered = inOrder(list);
    if (ordered !== list) markNopped(atoms, section, list);
    const references = new SectionReferences(section, ordered, targets, base, resolver);
    references.resolve();
    divide(atoms, section, ordered, references);
    base += list.length;
  }
}

function hasAtoms(atoms: Atoms, section: number): boolean {
  const [from, to] = atoms.rangeOf(section);
  return to > from;
}

/** The atom of a section that a place lies in; before the first one, that. */
function indexOfAtomAt(atoms: Atoms, section: ElfSection, place: number): number {
  const [from, to] = atoms.rangeOf(section.index);
  return Math.max(from, countAtOrBefore(atoms.all, place, ({ start }) => start, from, to) - 1);
}

/** recordmcount leaves a relocation that does nothing, where it has made a nop of the call. */
function markNopped(atoms: Atoms, section: ElfSection, relocations: Table<ElfRelocation>): void {
  for (const { type, symbol, offset } of relocations) {
    if (type !== RelocationType.NONE || symbol.name !== '__fentry__') continue;
    const atom = atoms.all[indexOfAtomAt(atoms, section, offset)];
    if (atom !== undefined) atom.noppedCallAt = offset - 1 - atom.start;
  }
}

/** Those of an atom follow each other. */
function divide(
  atoms: Atoms,
  section: ElfSection,
  relocations: Table<ElfRelocation>,
  references: SectionReferences,
): void {
  let from = 0;
  while (from < relocations.length) {
    const index = indexOfAtomAt(atoms, section, relocations.at(from)?.offset ?? 0);
    const next = index + 1 < atoms.rangeOf(section.index)[1] ? atoms.all[index + 1] : undefined;
    const end = next ? countAtOrBefore(relocations, next.start - 1, ({ offset }) => offset, from) : relocations.length;
    atoms.all[index]?.take(references, from, end);
    from = end;
  }
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
