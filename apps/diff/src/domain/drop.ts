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
      /** The base's own series ended in it, so that its tags are there. */
      readonly baseIsSplit: boolean;
    };

/** Decides what to do about a drop. @param base the drop that it follows, where it names one. */
export function nextStep(drop: DropState, base?: DropState): SplitStep {
  const { received, unpacked } = drop;
  if (!received || !unpacked || drop.split) return { kind: 'nothing' };
  if (received.base === undefined) return { kind: 'begin' };
  if (base?.unpacked) return { kind: 'split', base: base.unpacked, target: unpacked, baseIsSplit: !!base.split };
  if (base?.rejected) {
    const why = base.rejected.map(({ code, reason }) => `${code}: ${reason}`).join('; ');
    return { kind: 'never', why: `its base ${received.base} was rejected (${why})` };
  }
  return { kind: 'wait', why: `its base ${received.base} is not unpacked yet` };
}

/** A version as the name of a tag (git-check-ref-format(1)), the way DEP-14 does it: `1:6.1~rc1` → `1%6.1_rc1`. */
export function tagOf(product: string, version: string, tree: GitId): string {
  const name = version.replaceAll(':', '%').replaceAll('~', '_');
  const safe = /^[A-Za-z0-9_%+-]+(?:\.[A-Za-z0-9_%+-]+)*$/.test(name) && !name.endsWith('.lock');
  return `refs/tags/${product}/${safe ? name : tree}`;
}
