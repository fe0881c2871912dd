import type { ElfRelocation } from '#libs/elf';
import type { Atom, Reference, SpecialEntry } from '../model/atom.js';
import { countAtOrBefore } from '../model/lists.js';
import { entry } from '../model/relocations.js';
import { alternativeLengths, type TableSizes } from './formats.js';
import type { SpecialTable } from './table.js';

/** An entry of a special section: a view of its bytes and relocations. */
export class TableEntry implements SpecialEntry {
  constructor(
    private readonly table: SpecialTable,
    private readonly index: number,
  ) {}

  get section(): string {
    return this.table.name;
  }

  get codeOffset(): number {
    return this.code?.addend ?? 0;
  }

  /** The function that it is about. */
  get owner(): Atom | undefined {
    const target = this.code?.target;
    return target?.kind === 'atom' ? target.atom : undefined;
  }

  /** The last entry may be shorter than the others: it is filled up to their size. */
  get bytes(): Uint8Array {
    const { data, entrySizeBytes } = this.table;
    const bytes = data.subarray(this.start, this.start + entrySizeBytes);
    if (bytes.length === entrySizeBytes) return bytes;
    const whole = new Uint8Array(entrySizeBytes);
    whole.set(bytes);
    return whole;
  }

  get references(): readonly Reference[] {
    const all = Array.from({ length: this.relocationCount }, (_, at) => this.reference(at));
    return this.replacementRange === undefined ? all : all.filter(({ at }) => at === 0);
  }

  get replaces(): number | undefined {
    const lengths = this.table.name === '.altinstructions' ? alternativeLengths(this.table.entrySizeBytes) : undefined;
    return lengths && (this.bytes[lengths.code] ?? 0);
  }

  get replacement(): SpecialEntry['replacement'] {
    const range = this.replacementRange;
    const { section, relocations } = this.table.alternatives;
    if (range === undefined || section === undefined) return undefined;
    const { start, end } = range;
    const first = countAtOrBefore(relocations, start - 1, ({ offset }) => offset);
    const behind = countAtOrBefore(relocations, end - 1, ({ offset }) => offset);
    const references = Array.from({ length: behind - first }, (_, at) =>
      this.table.resolver.reference(entry(relocations, first + at), section, start),
    );
    return { bytes: section.data.subarray(start, end), references };
  }

  get unwind(): Uint8Array | undefined {
    const { unwind } = this.table;
    return unwind?.data.subarray(this.index * unwind.sizeBytes, (this.index + 1) * unwind.sizeBytes);
  }

  get relocationCount(): number {
    return (this.table.firsts[this.index + 1] ?? 0) - this.firstRelocation;
  }

  /** The symbol that an alternative's second field is about: where its replacement is. */
  get pointer(): ElfRelocation | undefined {
    return this.relocationCount < 2 ? undefined : this.table.relocations.at(this.firstRelocation + 1);
  }

  /** Where an alternative's replacement is, if it has one of its own. */
  get replacementRange(): { readonly start: number; readonly end: number } | undefined {
    if (this.table.name !== '.altinstructions') return undefined;
    const { pointer } = this;
    const lengths = alternativeLengths(this.table.entrySizeBytes);
    if (lengths === undefined || pointer === undefined || pointer.symbol.sectionIndex === 0) return undefined;
    const start = Number(pointer.symbol.value) + pointer.addend;
    return { start, end: start + (this.bytes[lengths.replacement] ?? 0) };
  }

  private get start(): number {
    return this.index * this.table.entrySizeBytes;
  }

  private get firstRelocation(): number {
    return this.table.firsts[this.index] ?? 0;
  }

  /** The reference to the code that it is about. */
  private get code(): Reference | undefined {
    return this.relocationCount === 0 ? undefined : this.reference(0);
  }

  private reference(at: number): Reference {
    const { relocations, resolver, section } = this.table;
    return resolver.reference(entry(relocations, this.firstRelocation + at), section, this.start);
  }
}

/** What is wrong with an entry, or undefined. */
export function entryProblem(entry: TableEntry, table: SpecialTable, sizes: TableSizes): string | undefined {
  if (entry.relocationCount === 0) return 'no relocation to code';
  if (entry.owner?.kind !== 'function') return 'not about code of this object';
  if (table.name === '.altinstructions') return alternativeProblem(entry, table);
  return table.name === '.orc_unwind_ip' ? unwindProblem(table, sizes) : undefined;
}

/**
 * The replacement lies in `.altinstr_replacement`, with relocations of its own; the second field points at it. There is
 * none if it is empty, and in some kernels it is code that they have once for all (`__x86_indirect_alt_call_rax`).
 */
function alternativeProblem(entry: TableEntry, { entrySizeBytes, alternatives }: SpecialTable): string | undefined {
  const lengths = alternativeLengths(entrySizeBytes);
  if (lengths === undefined) return `alternatives of ${entrySizeBytes} bytes are not known`;
  const { pointer, replacementRange } = entry;
  if (pointer === undefined) return (entry.bytes[lengths.replacement] ?? 0) === 0 ? undefined : 'no replacement';
  if (replacementRange === undefined) return undefined;
  const { section } = alternatives;
  if (section?.index !== pointer.symbol.sectionIndex) return 'its replacement is not among the replacements';
  const { start, end } = replacementRange;
  return start < 0 || end > section.sizeBytes ? 'a replacement outside of its section' : undefined;
}

/** `.orc_unwind` is as long as its index: the size of its entries follows. */
function unwindProblem({ unwind }: SpecialTable, sizes: TableSizes): string | undefined {
  if (unwind === undefined || unwind.sizeBytes === 0 || !Number.isInteger(unwind.sizeBytes))
    return 'no half in .orc_unwind';
  const known = sizes.orc_entry;
  if (known === undefined || known === unwind.sizeBytes) return undefined;
  return `.orc_unwind has entries of ${unwind.sizeBytes} bytes, but the kernel's struct orc_entry has ${known}`;
}
