import { readElf } from '#libs/elf';
import type { KernelProfile } from '#libs/kernelimage';
import { type CompiledPart, constantsOf, functionsOf } from './functions.js';
import { Matching } from './matching.js';
import { type Mismatch, mismatch } from './mismatch.js';
import { type RunningCode, runningKernel, runningModule } from './running.js';

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
  const elf = readElf(bytes);
  const matching = new Matching(running, elf);
  const functions = functionsOf(elf);
  const pending = new Map<CompiledPart, readonly bigint[]>();
  const mismatches: Mismatch[] = [];
  for (const compiled of functions) {
    const found = matching.candidates(compiled);
    if (!Array.isArray(found)) mismatches.push(found as Mismatch);
    else if (found.length === 1 && found[0] !== undefined) matching.settle(compiled, found[0]);
    else pending.set(compiled, matching.keep(found as readonly bigint[]));
  }
  // What several equal functions are is told by who refers to them, code or constant, and by what lies around them.
  const constants = new Set(constantsOf(elf));
  for (let settled = true; settled;) {
    settled = false;
    for (const [compiled, candidates] of pending) {
      const one = matching.choose(compiled, candidates);
      if (one === undefined) continue;
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
  for (const one of matching.contradictions()) mismatches.push(one);
  const wrong = new Set(mismatches.map(({ symbol }) => symbol));
  return {
    checked: functions.length,
    matched: functions.filter(({ name }) => !wrong.has(name)).length,
    mismatches,
    sympos: (symbol) => matching.sympos(symbol),
  };
}
