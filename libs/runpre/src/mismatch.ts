import type { CompiledPart } from './functions.js';

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

export function mismatch(symbol: string, code: Mismatch['code'], reason: string): Mismatch {
  return { symbol, code, reason, advice: advices[code] };
}

/** Says where a comparison ended, and why. */
export function whereOf({ offset, why }: { offset: number; why: string }, { code }: CompiledPart): string {
  return `at +0x${offset.toString(16)} of 0x${code.length.toString(16)} bytes: ${why}`;
}
