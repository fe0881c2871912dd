import type { ReasonCode } from '#libs/objdiff';

/** A case of kpatch's where the outcome here is another, and why. Anything else than what is written here is a failure. */
export interface KnownDifference {
  readonly outcome: 'made' | 'refused' | 'no-change';
  /** Functions that only this library finds changed. */
  readonly alsoChanged?: readonly string[];
  /** Codes of the refusal, exactly these. */
  readonly codes?: readonly ReasonCode[];
  readonly why: string;
}

export const knownDifferences: Readonly<Record<string, KnownDifference>> = {
  'clang-lstr': {
    outcome: 'refused',
    codes: ['registration-changed'],
    why:
      'the fix brings callbacks (.kpatch.callbacks.*). The modules made here have none, and one that drops them in silence ' +
      'would be another fix than its author wrote',
  },
  'data-read-mostly': {
    outcome: 'made',
    alsoChanged: ['dev_queue_xmit_nit'],
    why:
      'the jump table of the patched object has more entries for dev_queue_xmit_nit than that of the original. Where code ' +
      'can be switched is part of what it does, and is compared here; kpatch compares no special sections',
  },
};
