import type { EventData, Fact, GitId, Reason } from '#libs/contracts';

/** Where a drop stands, as the split sees it. */
export interface DropState {
  readonly received?: EventData<'SourceDropReceived'>;
  readonly unpacked?: EventData<'SourceDropUnpacked'>;
  readonly rejected?: readonly Reason[];
  readonly split?: EventData<'DropSplit'>;
}

/** Folds a drop's stream. */
export function dropState(facts: readonly Fact[]): DropState {
  return facts.reduce<DropState>((state, { type, data }) => {
    switch (type) {
      case 'SourceDropReceived':
        return { received: data };
      case 'SourceDropUnpacked':
        return { ...state, unpacked: data };
      case 'SourceDropRejected':
        return { ...state, rejected: data.reasons };
      case 'DropSplit':
        return { ...state, split: data };
      default:
        return state;
    }
  }, {});
}

/** What is to be done about a drop that was unpacked. */
export type SplitStep =
  | { readonly kind: 'nothing' }
  /** It has no base: it is where a line of kernels begins. */
  | { readonly kind: 'begin' }
  | { readonly kind: 'wait'; readonly why: string }
  /** Its base will never be a tree. */
  | { readonly kind: 'never'; readonly why: string }
  | {
      readonly kind: 'split';
      readonly base: EventData<'SourceDropUnpacked'>;
      readonly target: EventData<'SourceDropUnpacked'>;
      /** Where the base's own series ended: this one goes on from there. Absent for a base that begins a line. */
      readonly onto?: GitId;
    };

/**
 * Decides what to do about a drop. All steps of a line are one chain of commits, so a step waits for the one before it, for as long as
 * that one can still come; if it never will, the line begins anew with the base.
 * @param base the drop that it follows, where it names one. @param beforeBase the drop that the base follows.
 */
export function nextStep(drop: DropState, base?: DropState, beforeBase?: DropState): SplitStep {
  const { received, unpacked } = drop;
  if (!received || !unpacked || drop.split) return { kind: 'nothing' };
  if (received.base === undefined) return { kind: 'begin' };
  if (base?.unpacked) {
    const step = { kind: 'split', base: base.unpacked, target: unpacked } as const;
    if (base.split) return { ...step, onto: base.split.head };
    if (base.received?.base === undefined || beforeBase?.rejected) return step;
    return { kind: 'wait', why: `its base ${received.base} is not split yet` };
  }
  if (base?.rejected) {
    const why = base.rejected.map(({ code, reason }) => `${code}: ${reason}`).join('; ');
    return { kind: 'never', why: `its base ${received.base} was rejected (${why})` };
  }
  return { kind: 'wait', why: `its base ${received.base} is not unpacked yet` };
}
