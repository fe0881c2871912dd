import { type ElfFile, MemoryBudget } from '#libs/elf';
import { type CodeComparison, compareCode } from './compare-code.js';
import { type CompiledPart, type Referent, referents } from './functions.js';
import { LastReading } from './last-reading.js';
import { type Mismatch, mismatch, whereOf } from './mismatch.js';
import { Recent } from './recent.js';
import type { RunningCode, RunningTarget } from './running.js';
import { Steps } from './steps.js';

/** So many are told one by one; of the rest, one a function. */
const maxConflicts = 1000;

interface Places {
  readonly inOrder: readonly bigint[];
  readonly all: ReadonlySet<bigint>;
}

interface Compared {
  readonly comparison: CodeComparison;
  /** The first reference that is to something else. */
  readonly wrong: string | undefined;
}

/** What a comparison takes that ends at its first byte. */
const leastSteps = 64;

/** What is kept for a place that may be a function's. */
const candidateCostBytes = 40;

/** Places of so many symbols are kept at hand: the objects of a kernel ask for far fewer. */
const maxPlaces = 1 << 15;

/** What is known by now of where an object's symbols are in the running code. */
export class Matching {
  /** Places of the object's own symbols, as found so far. */
  private readonly known = new Map<string, bigint>();
  private readonly sections = new Map<number, bigint>();
  /** Where the functions that are found by now begin and end to lie. */
  private range: { readonly first: bigint; readonly last: bigint } | undefined;
  private readonly conflicts = new Map<string, Mismatch>();
  private readonly steps: Steps;
  private readonly budget: MemoryBudget;
  private readonly places: Recent<string, Places>;
  /** By the symbol's index. */
  private readonly referents: Recent<number, Referent>;
  private readonly last = new LastReading();

  constructor(
    private readonly running: RunningCode,
    elf: ElfFile,
  ) {
    this.steps = new Steps(elf.sizeBytes);
    this.budget = new MemoryBudget(elf.sizeBytes);
    this.places = new Recent(
      (name) => this.readPlaces(name),
      maxPlaces,
      ({ inOrder }) => inOrder.length + 1,
    );
    const referentOf = referents(elf);
    const noReferent: Referent = { kind: 'merged' };
    this.referents = new Recent((index) => {
      const symbol = elf.symbols.at(index);
      return symbol === undefined ? noReferent : referentOf(symbol);
    });
  }

  private readPlaces(name: string): Places {
    const inOrder = this.running.places(name);
    this.steps.take(inOrder.length);
    return { inOrder, all: new Set(inOrder) };
  }

  /** Counts the memory that candidates take which wait to be told apart. @throws ElfError `too-large` */
  keep(candidates: readonly bigint[]): readonly bigint[] {
    this.budget.spend(candidateCostBytes * candidates.length, 'places of equal functions');
    return candidates;
  }

  /** Places whose code is the function's, or why there is none. */
  candidates(compiled: CompiledPart): readonly bigint[] | Mismatch {
    const symbol = compiled.name;
    const places = this.places.get(symbol).inOrder;
    if (places.length === 0) return mismatch(symbol, 'not-in-kernel', 'the kernel has no symbol of that name');
    const equal: bigint[] = [];
    let nearest: Exclude<CodeComparison, { equal: true }> | undefined;
    let reference: string | undefined;
    for (const place of places) {
      const { comparison, wrong } = this.compare(compiled, place);
      if (!comparison.equal) {
        if (!nearest || comparison.offset > nearest.offset) nearest = comparison;
      } else if (wrong === undefined) equal.push(place);
      else reference = wrong;
    }
    if (equal.length > 0) return equal;
    if (compiled.weak) return mismatch(symbol, 'overridden', 'it is weak, and the kernel has another object’s');
    if (reference !== undefined) return mismatch(symbol, 'reference-differs', reference);
    return mismatch(symbol, 'code-differs', nearest ? whereOf(nearest, compiled) : 'no code');
  }

  /**
   * Compares a constant with what is at its place, once that is known: `settled` if it is the same; undefined = not yet.
   * Its pointers tell where functions are that nobody calls by name.
   */
  settleConstant(constant: CompiledPart): 'settled' | Mismatch | undefined {
    const { name } = constant;
    this.steps.take(1);
    const places = this.places.get(name).inOrder;
    const place = this.known.get(name) ?? (places.length === 1 ? places[0] : undefined);
    if (place === undefined) return undefined;
    const { comparison, wrong } = this.compare(constant, place);
    if (!comparison.equal) return mismatch(name, 'data-differs', whereOf(comparison, constant));
    if (wrong !== undefined) return mismatch(name, 'data-differs', wrong);
    this.learnFrom(constant, place);
    return 'settled';
  }

  /** Takes a function for found, and learns from it where the object's other symbols are. */
  settle(compiled: CompiledPart, place: bigint): void {
    const { first, last } = this.range ?? { first: place, last: place };
    this.range = { first: place < first ? place : first, last: place > last ? place : last };
    this.learnFrom(compiled, place);
  }

  private learnFrom(compiled: CompiledPart, at: bigint): void {
    this.learn(compiled.name, compiled.name, at);
    if (!this.last.isAllOf(compiled, at))
      this.compare(compiled, at, (referent, to) => this.learnOne(compiled, referent, to));
    else for (const { referent, to } of this.last) this.learnOne(compiled, referent, to);
  }

  /** A field holds S + A, and S is what is known of the symbol itself, not of its section. */
  private learnOne({ name: by }: CompiledPart, referent: Referent, place: bigint): void {
    if (referent.kind === 'symbol' && referent.local) this.learn(by, referent.name, place);
    if (referent.kind === 'section') this.learnSection(by, referent.section, place);
  }

  /** The only candidate that fits with what is known by now. */
  choose(compiled: CompiledPart, candidates: readonly bigint[]): bigint | undefined {
    this.steps.take(candidates.length);
    const known = this.known.get(compiled.name);
    if (known !== undefined) return candidates.find((place) => place === known);
    // The linker keeps an object's functions together: of equal ones it is that among its neighbours.
    const { range } = this;
    if (range === undefined) return undefined;
    const within = candidates.filter((place) => place >= range.first && place <= range.last);
    return within.length === 1 ? within[0] : undefined;
  }

  contradictions(): Iterable<Mismatch> {
    return this.conflicts.values();
  }

  sympos(symbol: string): number | undefined {
    const places = this.running.places(symbol);
    const known = this.known.get(symbol);
    if (known === undefined) return places.length === 1 ? 1 : undefined;
    const index = places.indexOf(known);
    return index < 0 ? undefined : index + 1;
  }

  /** Says if a reference points to something else than its symbol; undefined if it is right or can't be told. */
  private wrongReference(referent: Referent, target: RunningTarget): string | undefined {
    if (referent.kind !== 'symbol') return undefined;
    const { name } = referent;
    if ('name' in target)
      return target.name === name ? undefined : `refers to ${name}, the running code to ${target.name}`;
    const { all } = this.places.get(name);
    if (all.size === 0 || all.has(target.at)) return undefined;
    return `refers to ${name}, the running code to 0x${target.at.toString(16)}`;
  }

  /** Compares with the code at a place, and looks for the first reference that is wrong there. */
  private compare(part: CompiledPart, place: bigint, observe?: (referent: Referent, to: bigint) => void): Compared {
    let wrong: string | undefined;
    this.last.begin(part, place);
    const comparison = compareCode(part, this.running.from(place), place, ({ symbol }, target) => {
      const referent = this.referents.get(symbol.index);
      wrong ??= this.wrongReference(referent, target);
      if (!('at' in target)) return;
      this.last.add(referent, target.at);
      observe?.(referent, target.at);
    });
    this.steps.take(leastSteps + (comparison.equal ? part.sizeBytes : comparison.offset));
    return { comparison, wrong };
  }

  private learn(by: string, name: string, place: bigint): void {
    const known = this.known.get(name);
    if (known === undefined) this.known.set(name, place);
    else if (known !== place) this.conflict(by, name);
  }

  private learnSection(by: string, section: number, place: bigint): void {
    const known = this.sections.get(section);
    if (known === undefined) this.sections.set(section, place);
    else if (known !== place) this.conflict(by, `section ${section}`);
  }

  private conflict(symbol: string, what: string): void {
    // A function may have a million references that are wrong in the same way.
    const key = this.conflicts.size < maxConflicts ? `${symbol} ${what}` : symbol;
    if (this.conflicts.has(key)) return;
    const reason = `places ${what} elsewhere than others of the object do`;
    this.conflicts.set(key, mismatch(symbol, 'reference-differs', reason));
  }
}
