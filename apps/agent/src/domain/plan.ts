import type { Reason, UpdatesResponse } from '#libs/contracts';
import { type BundleState, type BundleStates, isApplied } from './bundle-state.js';

export type Offer = UpdatesResponse['bundles'][number];

/** What is to become of a bundle, and why. */
export interface Verdict {
  readonly bundleId: string;
  readonly action: 'keep' | 'apply' | 'reverse' | 'hold' | 'wait' | 'ignore';
  readonly reasons: readonly Reason[];
}

export interface Situation {
  /** What the service offers, oldest first. */
  readonly offers: readonly Offer[];
  readonly states: BundleStates;
  readonly bootId: string;
  /** Build id of the kernel that runs. */
  readonly buildId: string;
  readonly at: Date;
}

/** Codes of refusals that may pass by themselves: the next attempt may do. */
const passing: ReadonlySet<string> = new Set([
  'transition-stalled',
  'busy',
  'load-timeout',
  'interrupted',
  'no-space',
  // Bytes that were spoilt on the way.
  'wrong-length',
  'wrong-digest',
]);
const firstRetryMs = 60_000;
const maxRetryMs = 6 * 60 * 60 * 1000;

/** Says of every bundle that is known here what to do with it, in the order in which to do it: first take back, then apply. */
export function plan(situation: Situation): Verdict[] {
  const offered = new Set(situation.offers.map(({ bundleId }) => bundleId));
  const verdicts = [
    ...[...situation.states.values()]
      .filter(({ bundleId }) => !offered.has(bundleId))
      .map((state) => judgeUnoffered(state, situation)),
    ...situation.offers.map((offer) => judgeOffer(offer, situation)),
  ];
  const reversals = verdicts.filter(({ action }) => action === 'reverse');
  return [...reversals, ...verdicts.filter(({ action }) => action !== 'reverse')];
}

function judgeOffer(offer: Offer, { states, bootId, at }: Situation): Verdict {
  const { bundleId, recalled } = offer;
  const state = states.get(bundleId);
  const applied = isApplied(state, bootId);
  if (recalled !== undefined) {
    const reasons = [{ code: 'recalled', reason: `it was withdrawn: ${recalled.reason}` }];
    return { bundleId, action: applied ? 'reverse' : 'ignore', reasons };
  }
  return judgeWanted(bundleId, state, applied, at);
}

/**
 * A licence that ended hides bundles, and takes none away: what ran before the boot runs again, as long as the kernel is the
 * same one.
 */
function judgeUnoffered(state: BundleState, { bootId, buildId, at }: Situation): Verdict {
  const { bundleId, phase, summary } = state;
  const applied = isApplied(state, bootId);
  if (applied) return { bundleId, action: 'keep', reasons: [] };
  const ranBefore = phase === 'applied' && summary?.kernel.buildId === buildId;
  return ranBefore ? judgeWanted(bundleId, state, false, at) : { bundleId, action: 'ignore', reasons: [] };
}

function judgeWanted(bundleId: string, state: BundleState | undefined, applied: boolean, at: Date): Verdict {
  if (applied) return { bundleId, action: 'keep', reasons: [] };
  if (state?.hold !== undefined) {
    const { by, reason } = state.hold;
    const advice = `\`splicecast unhold ${bundleId}\` lets it be applied again`;
    return { bundleId, action: 'hold', reasons: [{ code: by === 'crash' ? 'crashed' : 'held', reason, advice }] };
  }
  if (state?.phase !== 'refused') return { bundleId, action: 'apply', reasons: [] };
  return judgeRefused(state, at);
}

function judgeRefused({ bundleId, reasons, attempt, since }: BundleState, at: Date): Verdict {
  // Whether the other bundle is still in the way is looked at anew, without loading anything.
  if (reasons.every(({ code }) => code === 'function-conflict')) return { bundleId, action: 'apply', reasons };
  if (!reasons.every(({ code }) => passing.has(code))) return { bundleId, action: 'hold', reasons };
  const delayMs = Math.min(firstRetryMs * 2 ** Math.min(attempt - 1, 16), maxRetryMs);
  // It was the agent that was ended, once: nothing is known against the bundle.
  const retryMs = attempt === 1 && reasons.every(({ code }) => code === 'interrupted') ? 0 : delayMs;
  const due = Date.parse(since) + retryMs <= at.getTime();
  return { bundleId, action: due ? 'apply' : 'wait', reasons };
}
