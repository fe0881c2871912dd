import {
  type ElfFile,
  type ElfRelocation,
  type ElfSection,
  type List,
  type MemoryBudget,
  SectionFlag,
  sectionNamed,
  Table,
} from '#libs/elf';
import type { Atom, SpecialEntry } from '../model/atom.js';
import { costOf } from '../model/costs.js';
import { inOrder } from '../model/relocations.js';
import type { Resolver } from '../model/resolver.js';
import { entryProblem, TableEntry } from './entry.js';
import { formatOf, type SpecialFormat, type TableSizes } from './formats.js';
import { measureEntries } from './measure.js';
import { type Alternatives, alternativesOf, type SpecialTable } from './table.js';

export interface SpecialProblem {
  readonly section: string;
  readonly problem: string;
}

/** A reader's view of one object's relocations. */
export interface SpecialSource {
  readonly elf: ElfFile;
  readonly relocations: ReadonlyMap<number, Table<ElfRelocation>>;
  readonly resolver: Resolver;
  readonly sizes: TableSizes;
  readonly budget: MemoryBudget;
}

/** Which entries of the special sections are about which function: two numbers an entry, which is made when it's asked for. */
export class SpecialTables {
  private readonly tables: SpecialTable[] = [];
  /** By table, the index of each entry's function. */
  private readonly owners: Uint32Array[] = [];
  private readonly alternatives: Alternatives;
  private index: EntryIndex | undefined;

  constructor(
    private readonly source: SpecialSource,
    private readonly atoms: readonly Atom[],
  ) {
    this.alternatives = alternativesOf(source.elf, source.relocations);
  }

  /** The entries about a function, by section, then in their order there. */
  of(atom: Atom): List<SpecialEntry> {
    if (this.tables.length === 0) return noEntries;
    this.index ??= new EntryIndex(this.tables, this.owners, this.atoms.length);
    return this.index.of(atom);
  }

  /**
   * Gives each function its entries; says which sections don't look as they should. Those that follow from the code alone are
   * many and of no use for comparing: they are read only `of` what is to be copied.
   */
  read(of: 'compared' | 'copied'): SpecialProblem[] {
    const problems: SpecialProblem[] = [];
    for (const section of this.source.elf.sections) {
      const { name } = section;
      const format = formatOf(name);
      if (format === undefined || (format.onlyCopied === true) !== (of === 'copied')) continue;
      const problem = this.readSection(section, format);
      if (problem !== undefined) problems.push({ section: name, problem });
    }
    this.index = undefined;
    return problems;
  }

  private readSection(section: ElfSection, format: SpecialFormat): string | undefined {
    const { elf, resolver, sizes, budget } = this.source;
    const relocations = inOrder(this.source.relocations.get(section.index));
    const known = format.struct && sizes[format.struct];
    const offsets = Float64Array.from(relocations, ({ offset }) => offset);
    const isCode = (index: number): boolean => {
      const target = elf.sections[relocations.at(index)?.symbol.sectionIndex ?? 0];
      return target !== undefined && (target.flags & SectionFlag.EXECINSTR) !== 0;
    };
    const { data, name } = section;
    const measured = measureEntries(format, data.length, offsets, isCode, known);
    if ('problem' in measured) return measured.problem;
    const { entrySizeBytes, count } = measured;
    budget.spend(costOf.entry * count, 'entries of tables');
    const firsts = new Uint32Array(count + 1);
    for (let index = 0, next = 0; index <= count; index++) {
      while ((offsets[next] ?? Infinity) < index * entrySizeBytes) next++;
      firsts[index] = next;
    }
    firsts[count] = relocations.length;
    const half = name === '.orc_unwind_ip' ? sectionNamed(elf, '.orc_unwind') : undefined;
    const unwind = half && { data: half.data, sizeBytes: half.fileSizeBytes / count };
    const { alternatives } = this;
    return this.add(
      { section, name, data, entrySizeBytes, count, relocations, firsts, resolver, alternatives, unwind },
      sizes,
    );
  }

  /** Takes the entries of a table up to the first that is wrong. */
  private add(table: SpecialTable, sizes: TableSizes): string | undefined {
    const owners = new Uint32Array(table.count);
    for (let index = 0; index < table.count; index++) {
      const found = new TableEntry(table, index);
      const problem = entryProblem(found, table, sizes);
      if (problem !== undefined) {
        this.tables.push(table);
        this.owners.push(owners.subarray(0, index));
        return `entry ${index}: ${problem}`;
      }
      owners[index] = found.owner?.index ?? 0;
    }
    this.tables.push(table);
    this.owners.push(owners);
    return undefined;
  }
}

const noEntries: readonly SpecialEntry[] = [];

/** The entries of all tables, sorted by their functions. */
class EntryIndex {
  /** Where those of a function begin; they end where the next one's begin. */
  private readonly firsts: Uint32Array;
  private readonly tableOf: Uint8Array;
  private readonly entryOf: Uint32Array;

  constructor(
    private readonly tables: readonly SpecialTable[],
    owners: readonly Uint32Array[],
    atoms: number,
  ) {
    this.firsts = new Uint32Array(atoms + 1);
    for (const list of owners) for (const owner of list) this.firsts[owner + 1] = (this.firsts[owner + 1] ?? 0) + 1;
    for (let at = 0; at < atoms; at++) this.firsts[at + 1] = (this.firsts[at + 1] ?? 0) + (this.firsts[at] ?? 0);
    const total = this.firsts[atoms] ?? 0;
    this.tableOf = new Uint8Array(total);
    this.entryOf = new Uint32Array(total);
    const next = this.firsts.slice();
    for (const [table, list] of owners.entries())
      for (const [index, owner] of list.entries()) {
        const at = next[owner] ?? 0;
        next[owner] = at + 1;
        this.tableOf[at] = table;
        this.entryOf[at] = index;
      }
  }

  of({ index }: Atom): List<SpecialEntry> {
    const first = this.firsts[index] ?? 0;
    const length = (this.firsts[index + 1] ?? 0) - first;
    return length === 0 ? noEntries : Table.of(length, (at) => this.entry(first + at));
  }

  private entry(at: number): SpecialEntry {
    const table = this.tables[this.tableOf[at] ?? 0];
    if (table === undefined) throw new RangeError(`entry ${at}`);
    return new TableEntry(table, this.entryOf[at] ?? 0);
  }
}
