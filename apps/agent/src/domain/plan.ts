import type { Reason, UpdatesResponse } from '#libs/contracts';
import { type BundleState, type BundleStates, isApplied } from './bundle-state.js';
import { fixIdsOf, type LevelSituation, reasonsAgainst } from './level.js';
import { endsWithCheckIn } from './metadata-code.js';
import { mayPass, retryAfterMs } from './retry.js';

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

/** A bundle that is known here, from an offer, the journal, or both. */
interface Known {
  readonly bundleId: string;
  readonly offer?: Offer;
  readonly state?: BundleState;
  /** Of a level. */
  readonly level?: number;
  /** Undefined where nobody says. */
  readonly fixIds?: readonly string[];
}

/**
 * Says of every bundle that is known here what to do with it, in the order in which to do it: first take back, then the level,
 * which would drop whatever comes before it, then singles.
 */
export function plan(situation: Situation): Verdict[] {
  const known = knownBundles(situation);
  const level = new Map<string, Verdict>();
  for (const one of known) if (one.level !== undefined) level.set(one.bundleId, judgeLevel(one, situation));
  const chosen = highest(known.filter(({ bundleId }) => runs(level.get(bundleId))));
  const verdicts = known.map((one): Verdict => {
    const verdict = level.get(one.bundleId);
    if (verdict === undefined) return judgeSingle(one, chosen, known, situation);
    return verdict.action === 'apply' && one !== chosen ? ignored(one, chosen) : verdict;
  });
  const rank = ({ bundleId, action }: Verdict): number => (action === 'reverse' ? 0 : level.has(bundleId) ? 1 : 2);
  return verdicts.toSorted((a, b) => rank(a) - rank(b));
}

/** First what only the journal knows, then what is offered. */
function knownBundles({ offers, states }: Situation): readonly Known[] {
  const offered = new Set(offers.map(({ bundleId }) => bundleId));
  const own = [...states.values()].filter(({ bundleId }) => !offered.has(bundleId));
  return [
    ...own.map((state) => knownOf(state.bundleId, undefined, state)),
    ...offers.map((offer) => knownOf(offer.bundleId, offer, states.get(offer.bundleId))),
  ];
}

/** The journal has it from the signed manifest, which counts more than what the offer says. */
function knownOf(bundleId: string, offer: Offer | undefined, state: BundleState | undefined): Known {
  const { summary } = state ?? {};
  const level = summary === undefined ? offer?.level : summary.level;
  return { bundleId, offer, state, level, fixIds: fixIdsOf(summary) ?? offer?.fixIds };
}

function highest(levels: readonly Known[]): Known | undefined {
  return levels.reduce<Known | undefined>(
    (best, one) => ((one.level ?? 0) > (best?.level ?? 0) ? one : best),
    undefined,
  );
}

function runs(verdict: Verdict | undefined): boolean {
  return verdict?.action === 'keep' || verdict?.action === 'apply';
}

function judgeLevel(one: Known, situation: Situation): Verdict {
  const { bundleId, level = 0, fixIds = [] } = one;
  const verdict = judge(one, situation);
  if (verdict.action !== 'apply') return verdict;
  const against = reasonsAgainst({ bundleId, level, fixIds: new Set(fixIds) }, levelSituation(situation));
  return against.length > 0 ? { bundleId, action: 'ignore', reasons: against } : verdict;
}

/** What the judgement of a level looks at. */
export function levelSituation({ offers, states, bootId, buildId }: Omit<Situation, 'at'>): LevelSituation {
  const withdrawn = new Set(offers.filter(({ recalled }) => recalled !== undefined).map(({ bundleId }) => bundleId));
  return { states, bootId, buildId, withdrawn };
}

function judgeSingle(one: Known, chosen: Known | undefined, known: readonly Known[], situation: Situation): Verdict {
  const { bundleId } = one;
  const verdict = judge(one, situation);
  if (verdict.action === 'reverse' || verdict.action === 'keep' || verdict.action === 'ignore') return verdict;
  if (chosen !== undefined && contains(chosen, one)) return ignored(one, chosen);
  const held = known.find((level) => isHeldWith(level, one));
  if (held === undefined || verdict.action === 'hold') return verdict;
  const reason = `its fix came with level ${held.level}, which is held (bundle ${held.bundleId})`;
  const advice = `\`splicecast apply ${bundleId}\` applies it by itself`;
  return { bundleId, action: 'hold', reasons: [{ code: 'in-held-level', reason, advice }] };
}

function contains({ fixIds: all = [] }: Pick<Known, 'fixIds'>, { fixIds }: Known): boolean {
  const contained = new Set(all);
  return fixIds?.every((fixId) => contained.has(fixId)) === true;
}

/** Whoever takes a level back goes back to what was there before it, and doesn't get the rest of it by another way. */
function isHeldWith(level: Known, { state, ...one }: Known): boolean {
  if (level.level === undefined || level.state?.hold === undefined || level.offer?.recalled !== undefined) return false;
  const wasThere = state?.phase === 'applied' || state?.phase === 'replaced';
  return !wasThere && contains(level, one);
}

function ignored({ bundleId }: Known, chosen: Known | undefined): Verdict {
  const reason = `level ${chosen?.level} takes its place (bundle ${chosen?.bundleId})`;
  return { bundleId, action: 'ignore', reasons: [{ code: 'in-level', reason }] };
}

function adviceToKeep(bundleId: string): string {
  return `it stays until the next boot, and isn’t applied again; \`splicecast remove ${bundleId}\` takes it out now`;
}

function judge({ bundleId, offer, state }: Known, situation: Situation): Verdict {
  const applied = isApplied(state, situation.bootId);
  const recalled = offer?.recalled;
  if (recalled !== undefined) {
    const reason = { code: 'recalled', reason: `it was withdrawn: ${recalled.reason}` };
    const reasons = recalled.keep === true && applied ? [{ ...reason, advice: adviceToKeep(bundleId) }] : [reason];
    if (!applied) return { bundleId, action: 'ignore', reasons };
    return { bundleId, action: recalled.keep === true ? 'keep' : 'reverse', reasons };
  }
  if (applied) return { bundleId, action: 'keep', reasons: [] };
  if (offer === undefined && !wasHere(state, situation)) return { bundleId, action: 'ignore', reasons: [] };
  return judgeWanted(bundleId, state, situation);
}

/**
 * A licence that ended hides bundles, and takes none away: what ran before the boot, or before a level that is gone, runs again,
 * as long as the kernel is the same one.
 */
function wasHere(state: BundleState | undefined, { states, bootId, buildId }: Situation): boolean {
  if (state?.summary?.kernel.buildId !== buildId) return false;
  if (state.phase !== 'replaced') return state.phase === 'applied';
  return !isApplied(states.get(state.replacedBy ?? ''), bootId);
}

function judgeWanted(bundleId: string, state: BundleState | undefined, { bootId, at }: Situation): Verdict {
  if (state?.hold !== undefined) {
    const { by, reason } = state.hold;
    const advice = `\`splicecast unhold ${bundleId}\` lets it be applied again`;
    return { bundleId, action: 'hold', reasons: [{ code: by === 'crash' ? 'crashed' : 'held', reason, advice }] };
  }
  if (state?.phase !== 'refused') return { bundleId, action: 'apply', reasons: [] };
  return judgeRefused(state, bootId, at);
}

/** Refusals for what else is in the kernel: whether it still is, is looked at anew, without loading anything. */
const asThingsStand: ReadonlySet<string> = new Set([
  'function-conflict',
  'level-lacks-fix',
  'level-has-held-fix',
  'level-rollback',
  'foreign-livepatch',
]);

function judgeRefused(
  { bundleId, reasons, attempt, since, bootId: then }: BundleState,
  bootId: string,
  at: Date,
): Verdict {
  if (reasons.every(({ code }) => asThingsStand.has(code))) return { bundleId, action: 'apply', reasons };
  if (reasons.every(({ code }) => code === 'stays-loaded')) {
    return { bundleId, action: then === bootId ? 'hold' : 'apply', reasons };
  }
  if (endsWithCheckIn(reasons)) return { bundleId, action: 'apply', reasons };
  if (!mayPass(reasons)) return { bundleId, action: 'hold', reasons };
  const due = Date.parse(since) + retryAfterMs(reasons, attempt) <= at.getTime();
  return { bundleId, action: due ? 'apply' : 'wait', reasons };
}
