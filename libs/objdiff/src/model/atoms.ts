import {
  type ElfFile,
  type ElfRelocation,
  type ElfSection,
  type ElfSymbol,
  type MemoryBudget,
  SectionFlag,
  SymbolBinding,
  type Table,
} from '#libs/elf';
import type { PlacedAtoms } from './atom.js';
import { type AtomContents, type AtomPlace, CompiledAtom } from './compiled-atom.js';
import { costOf } from './costs.js';
import { isPrefixName } from './names.js';
import type { SectionRole } from './section-role.js';
import type { SortedSymbols } from './sorted-symbols.js';

const atomless: ReadonlySet<SectionRole> = new Set(['ignored', 'special', 'strings', 'constants', 'export']);

/** All atoms of an object. */
export class Atoms implements PlacedAtoms {
  readonly all: CompiledAtom[] = [];
  /** Where those of a section begin in `all`; they end where the next section's begin. */
  private readonly firsts: Uint32Array;

  /** Cuts sections into atoms: code stays whole, but for snippets, which have no names; data is cut at each symbol. */
  constructor(
    elf: ElfFile,
    private readonly roles: readonly SectionRole[],
    private readonly symbols: SortedSymbols,
    private readonly cuts: Cuts,
    private readonly contents: AtomContents,
    private readonly budget: MemoryBudget,
  ) {
    this.firsts = new Uint32Array(elf.sections.length + 1);
    for (const section of elf.sections) {
      this.addAtomsOf(section);
      this.firsts[section.index + 1] = this.all.length;
    }
  }

  rangeOf(section: number): readonly [from: number, to: number] {
    return [this.firsts[section] ?? 0, this.firsts[section + 1] ?? 0];
  }

  private addAtomsOf(section: ElfSection): void {
    const role = this.roles[section.index] ?? 'ignored';
    if (atomless.has(role)) return;
    const [from, to] = this.symbols.rangeOf(section.index);
    // An empty structure, e.g. lock_class_key without lockdep, is a section without a byte; it has an address all the same.
    if (section.sizeBytes === 0 && from === to) return;
    const executable = (section.flags & SectionFlag.EXECINSTR) !== 0;
    if (executable && role !== 'aux') this.addCode(section, role, from, to);
    else this.addPieces(section, role, executable);
  }

  /** A section of code, as one atom. Padding before its function is set apart: the function is where its symbol is. */
  private addCode(section: ElfSection, role: SectionRole, firstSymbol: number, endSymbol: number): void {
    const symbols = this.symbols.between(firstSymbol, endSymbol);
    const functions = symbols.filter(({ name }) => !isPrefixName(name));
    const entry = functions[0]?.value;
    const isPadded = functions.length < symbols.length && functions.every(({ value }) => value === entry);
    const padding = isPadded ? Number(entry ?? 0) : 0;
    const start = padding <= section.fileSizeBytes ? padding : 0;
    const place = { section, role, executable: true, start, sizeBytes: section.sizeBytes - start, isPadded };
    this.add({ ...place, firstSymbol, endSymbol }, isPadded ? functions : symbols);
  }

  private addPieces(section: ElfSection, role: SectionRole, executable: boolean): void {
    const starts = this.startsIn(section);
    const [from, to] = this.symbols.rangeOf(section.index);
    let next = from;
    for (const [index, start] of starts.entries()) {
      const firstSymbol = next;
      while (next < to && this.symbols.placeAt(next) === start) next++;
      const sizeBytes = (starts[index + 1] ?? section.sizeBytes) - start;
      const place = { section, role, executable, start, sizeBytes, firstSymbol, endSymbol: next, isPadded: false };
      this.add(place, this.symbols.between(firstSymbol, next));
    }
  }

  private startsIn(section: ElfSection): Float64Array {
    const [from, to] = this.symbols.rangeOf(section.index);
    const cuts = this.cuts.get(section.index) ?? new Set<number>();
    const starts = new Float64Array(1 + to - from + cuts.size);
    let count = 1;
    for (let at = from; at < to; at++) starts[count++] = this.symbols.placeAt(at);
    for (const cut of cuts) starts[count++] = cut;
    starts.sort();
    return starts.filter((start, at) => start >= 0 && start <= section.sizeBytes && start !== starts[at - 1]);
  }

  private add(place: AtomPlace, symbols: readonly ElfSymbol[]): void {
    this.budget.spend(costOf.atom, 'functions and variables');
    const { section, start } = place;
    const naming = namingSymbol(section, symbols);
    const name = naming?.name ?? `${section.name}+${start}`;
    const isGlobal = naming !== undefined && naming.binding !== SymbolBinding.LOCAL;
    this.all.push(new CompiledAtom(this.contents, this.all.length, name, isGlobal, place));
  }
}

/** Of several names for one place, the one its section is called after; else the first (globals come first). */
function namingSymbol(section: ElfSection, symbols: readonly ElfSymbol[]): ElfSymbol | undefined {
  const [first] = symbols;
  if (symbols.length <= 1) return first;
  const { name: sectionName } = section;
  return symbols.find(({ name }) => sectionName.endsWith(`.${name}`)) ?? first;
}

/** Where snippets begin, by the index of their section: at each place that code elsewhere jumps to. */
export type Cuts = ReadonlyMap<number, ReadonlySet<number>>;

/** Finds where snippets begin: a relative jump's addend has the 4 bytes of its own field in it, a table's has not. */
export function cutsOf(
  elf: ElfFile,
  roles: readonly SectionRole[],
  relocations: ReadonlyMap<number, Table<ElfRelocation>>,
  budget: MemoryBudget,
): Cuts {
  const cuts = new Map<number, Set<number>>();
  if (!roles.includes('aux')) return cuts;
  for (const [index, list] of relocations) {
    const executable = ((elf.sections[index]?.flags ?? 0) & SectionFlag.EXECINSTR) !== 0;
    const isTable = elf.sections[index]?.name === '__ex_table';
    if ((!executable && !isTable) || roles[index] === 'aux') continue;
    const ownField = isTable ? 0 : 4;
    for (const { symbol, addend } of list)
      if (roles[symbol.sectionIndex] === 'aux') {
        const known = cuts.get(symbol.sectionIndex) ?? new Set();
        cuts.set(symbol.sectionIndex, known.add(Number(symbol.value) + addend + ownField));
        budget.spend(costOf.cut, 'jumps to snippets of code');
      }
  }
  return cuts;
}
