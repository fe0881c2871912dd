import type { Belief } from './belief.js';
import type { Claim, Ground } from './claim.js';

/** What must speak for a claim, and how sure it must be. */
export interface Demand {
  readonly grounds: ReadonlySet<Ground>;
  /** The least belief of a short hunk; one that is twice as long must be so much surer, up to a bound. */
  readonly few: number;
  readonly each: number;
  readonly most: number;
  /** Lines; a longer hunk is nobody's. */
  readonly longest: number;
}

/** Of a step whose likeliest subjects are believed as much in the mean as the kernel's. */
const clear = {
  from: 0.65,
  demand: { grounds: new Set<Ground>(['names', 'path']), few: 0.66, each: 0.02, most: 0.92, longest: Infinity },
};
/**
 * Below this the step's subjects are unlike those that the weights were fitted on: a prefix names an area that many commits cross, not a driver, and of
 * what is believed by the path alone two thirds are another's. A hunk must have the subject's own words (ADR 14, with figures of 18 steps).
 */
const vague = {
  below: 0.55,
  demand: { grounds: new Set<Ground>(['names']), few: 0.9, each: 0, most: 0.9, longest: 30 },
};
/** Between the two a step must be surer the nearer it is to the vague ones, up to this. */
const doubtful = 0.85;
/** Fewer hunks tell nothing of how a step's subjects are written. */
const fewHunks = 200;
/** Lines of a hunk that are few. */
const fewLines = 4;

/** What a step demands, by how sure it is of its hunks' likeliest subjects in the mean. */
export function demandOn(beliefs: readonly Belief[]): Demand {
  if (beliefs.length < fewHunks) return clear.demand;
  const certainty = beliefs.reduce((sum, { of }) => sum + Math.max(0, ...of), 0) / beliefs.length;
  if (certainty < vague.below) return vague.demand;
  const doubt = Math.max(0, clear.from - certainty) / (clear.from - vague.below);
  const { few } = clear.demand;
  return { ...clear.demand, few: few + doubt * (doubtful - few) };
}

/** Whether a claim is sure enough. @param size the hunk's lines */
export function isSure({ few, each, most, longest }: Demand, { belief }: Claim, size: number): boolean {
  return size <= longest && belief >= Math.min(most, few + each * Math.log2(Math.max(1, size / fewLines)));
}
