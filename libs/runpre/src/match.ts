import { type ElfFile, type ElfSymbol, readElf } from '#libs/elf';
import type { KernelProfile } from '#libs/kernelimage';
import { type CodeComparison, compareCode, type Observation } from './compare-code.js';
import { type CompiledPart, constantsOf, functionsOf, type Referent, referents } from './functions.js';
import { type RunningCode, runningKernel, runningModule } from './running.js';

/** A function or constant that isn't, byte for byte, what the vendor ships. */
export interface Mismatch {
  readonly symbol: string;
  readonly code: 'not-in-kernel' | 'overridden' | 'code-differs' | 'data-differs' | 'reference-differs' | 'ambiguous';
  /** Says where, and shows the bytes of both. */
  readonly reason: string;
  readonly advice: string;
}

/** What a mismatch may mean, and what can be done. */
const advices: Readonly<Record<Mismatch['code'], string>> = {
  'not-in-kernel':
    'The compiler inlined or dropped it there: build with the vendor’s compiler, configuration and source.',
  overridden: 'Patch the function that takes its place.',
  'code-differs':
    'Source, compiler or configuration aren’t the vendor’s: check all three against the kernel’s packages.',
  'data-differs': 'The source’s constants aren’t those that run: check that it is the source of this very kernel.',
  'reference-differs':
    'The source or the order of its objects isn’t the vendor’s: check that it is of this very kernel.',
  ambiguous: 'Nothing tells the equal ones apart: patch their callers instead.',
};

/** How a compiled original compares with the code that runs. */
export interface RunPreMatch {
  readonly objectFile: string;
  readonly owner: string;
  readonly checked: number;
  readonly matched: number;
  readonly mismatches: readonly Mismatch[];
  /** 1-based among equal names, for functions and for what they refer to; undefined = it couldn't be decided. */
  sympos(symbol: string): number | undefined;
}

interface Candidate {
  readonly place: bigint;
  readonly observations: readonly Observation[];
}

/**
 * Run-pre matching (Ksplice's word): is the object that we compiled from the vendor's source the code that runs? Without
 * this proof a patch could rest on a source, compiler or configuration that the machine's kernel wasn't built from.
 */
export function matchRunPre(
  profile: KernelProfile,
  object: { readonly objectFile: string; readonly owner: string; readonly bytes: Uint8Array },
): RunPreMatch {
  const { objectFile, owner } = object;
  const module = owner === 'vmlinux' ? undefined : profile.module(owner);
  if (owner !== 'vmlinux' && !module) {
    const reason = `the vendor ships no module ${owner}`;
    const advice = 'If the machines have it from somewhere else, add its .ko to the kernel profile.';
    const mismatches: Mismatch[] = [{ symbol: owner, code: 'not-in-kernel', reason, advice }];
    return { objectFile, owner, checked: 0, matched: 0, mismatches, sympos: () => undefined };
  }
  const running = module ? runningModule(module) : runningKernel(profile);
  return { objectFile, owner, ...matchAgainst(object.bytes, running) };
}

/** The comparison itself. @throws ElfError for bytes that are no object. */
export function matchAgainst(bytes: Uint8Array, running: RunningCode): Omit<RunPreMatch, 'objectFile' | 'owner'> {
  const elf: ElfFile = readElf(bytes);
  const matching = new Matching(running, referents(elf));
  const functions = functionsOf(elf);
  const pending = new Map<CompiledPart, readonly Candidate[]>();
  const mismatches: Mismatch[] = [];
  for (const compiled of functions) {
    const found = matching.candidates(compiled);
    if (!Array.isArray(found)) mismatches.push(found as Mismatch);
    else if (found.length === 1 && found[0]) matching.settle(compiled, found[0]);
    else pending.set(compiled, found as readonly Candidate[]);
  }
  // What several equal functions are is told by who refers to them, code or constant, and by what lies around them.
  const constants = new Set(constantsOf(elf));
  for (let settled = true; settled;) {
    settled = false;
    for (const [compiled, candidates] of pending) {
      const one = matching.choose(compiled, candidates);
      if (!one) continue;
      matching.settle(compiled, one);
      pending.delete(compiled);
      settled = true;
    }
    for (const constant of constants) {
      const wrong = matching.settleConstant(constant);
      if (wrong === undefined) continue;
      constants.delete(constant);
      settled = true;
      if (wrong !== 'settled') mismatches.push(wrong);
    }
  }
  for (const compiled of pending.keys()) {
    mismatches.push(mismatch(compiled.name, 'ambiguous', 'several equal functions have that name'));
  }
  mismatches.push(...matching.contradictions());
  const matched = new Set(functions.map(({ name }) => name));
  for (const { symbol } of mismatches) matched.delete(symbol);
  return {
    checked: functions.length,
    matched: functions.filter(({ name }) => matched.has(name)).length,
    mismatches,
    sympos: (symbol) => matching.sympos(symbol),
  };
}

function mismatch(symbol: string, code: Mismatch['code'], reason: string): Mismatch {
  return { symbol, code, reason, advice: advices[code] };
}

class Matching {
  /** Places of the object's own symbols, as found so far. */
  private readonly known = new Map<string, bigint>();
  private readonly sections = new Map<number, bigint>();
  private readonly settled: { compiled: CompiledPart; place: bigint }[] = [];
  private readonly conflicts: Mismatch[] = [];

  constructor(
    private readonly running: RunningCode,
    private readonly referentOf: (symbol: ElfSymbol) => Referent,
  ) {}

  /** Places whose code is the function's, or why there is none. */
  candidates(compiled: CompiledPart): readonly Candidate[] | Mismatch {
    const symbol = compiled.name;
    const places = this.running.places(symbol);
    if (places.length === 0) return mismatch(symbol, 'not-in-kernel', 'the kernel has no symbol of that name');
    const equal: Candidate[] = [];
    let nearest: Exclude<CodeComparison, { equal: true }> | undefined;
    let reference: string | undefined;
    for (const place of places) {
      const comparison = compareCode(compiled, this.running, place);
      if (!comparison.equal) {
        if (!nearest || comparison.offset > nearest.offset) nearest = comparison;
        continue;
      }
      const wrong = this.wrongReference(comparison.observations);
      if (wrong === undefined) equal.push({ place, observations: comparison.observations });
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
    const places = this.running.places(name);
    const place = this.known.get(name) ?? (places.length === 1 ? places[0] : undefined);
    if (place === undefined) return undefined;
    const comparison = compareCode(constant, this.running, place);
    if (!comparison.equal) return mismatch(name, 'data-differs', whereOf(comparison, constant));
    const wrong = this.wrongReference(comparison.observations);
    if (wrong !== undefined) return mismatch(name, 'data-differs', wrong);
    this.learnFrom(constant, { place, observations: comparison.observations });
    return 'settled';
  }

  /** Takes a function for found, and learns from it where the object's other symbols are. */
  settle(compiled: CompiledPart, candidate: Candidate): void {
    this.settled.push({ compiled, place: candidate.place });
    this.learnFrom(compiled, candidate);
  }

  private learnFrom(compiled: CompiledPart, candidate: Candidate): void {
    this.learn(compiled.name, compiled.name, candidate.place);
    for (const { relocation, target } of candidate.observations) {
      const referent = this.referentOf(relocation.symbol);
      if (!('at' in target)) continue;
      // A field holds S + A, and S is what is known of the symbol itself, not of its section.
      if (referent.kind === 'symbol' && referent.local) this.learn(compiled.name, referent.name, target.at);
      if (referent.kind === 'section') this.learnSection(compiled.name, referent.section, target.at);
    }
  }

  /** The only candidate that fits with what is known by now. */
  choose(compiled: CompiledPart, candidates: readonly Candidate[]): Candidate | undefined {
    const known = this.known.get(compiled.name);
    if (known !== undefined) return candidates.find(({ place }) => place === known);
    // The linker keeps an object's functions together: of equal ones it is that among its neighbours.
    const places = this.settled.map(({ place }) => place).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const [first] = places;
    const last = places.at(-1);
    if (first === undefined || last === undefined) return undefined;
    const within = candidates.filter(({ place }) => place >= first && place <= last);
    return within.length === 1 ? within[0] : undefined;
  }

  contradictions(): readonly Mismatch[] {
    return this.conflicts;
  }

  sympos(symbol: string): number | undefined {
    const places = this.running.places(symbol);
    const known = this.known.get(symbol);
    if (known === undefined) return places.length === 1 ? 1 : undefined;
    const index = places.indexOf(known);
    return index < 0 ? undefined : index + 1;
  }

  /** Says which reference points to something else than its symbol; undefined if all are right or can't be told. */
  private wrongReference(observations: readonly Observation[]): string | undefined {
    for (const { relocation, target } of observations) {
      const referent = this.referentOf(relocation.symbol);
      if (referent.kind !== 'symbol') continue;
      const { name } = referent;
      if ('name' in target) {
        if (target.name !== name) return `refers to ${name}, the running code to ${target.name}`;
        continue;
      }
      const places = this.running.places(name);
      if (places.length > 0 && !places.includes(target.at)) {
        return `refers to ${name}, the running code to 0x${target.at.toString(16)}`;
      }
    }
    return undefined;
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
    const reason = `places ${what} elsewhere than others of the object do`;
    this.conflicts.push(mismatch(symbol, 'reference-differs', reason));
  }
}

function whereOf({ offset, why }: { offset: number; why: string }, { code }: CompiledPart): string {
  return `at +0x${offset.toString(16)} of 0x${code.length.toString(16)} bytes: ${why}`;
}
