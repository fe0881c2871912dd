import type { Choice } from './choose.js';
import { type BaseCount, type HandOns, handOns } from './hand-ons.js';
import type { LineShifts } from './line-shifts.js';

/** Whether so many steps may be taken to order commits; they count as taken then. */
export type MayOrder = (steps: number) => boolean;

/**
 * Orders the commits of a step. What the changelog lists keeps its order, in the direction that the dates have. The others come one
 * by one to where the fewest lines are changed before they are made, and of such places to where the fewest dates are against it;
 * and once more when all stand, for the first ones were placed without the last. Where that would be too much, their dates alone count:
 * a hundred thousand candidates without a changelog would be compared each with each, and each one's hunks with all others'.
 */
export function orderChoices(
  choices: readonly Choice[],
  countInBase: BaseCount,
  shifts: LineShifts,
  mayOrder: MayOrder = () => true,
): Choice[] {
  const ordered = choices.filter(isRanked).sort((a, b) => rankOf(a) - rankOf(b));
  if (isBackwards(ordered)) ordered.reverse();
  const handedOn = handOns(choices, countInBase);
  const isTold = shifts.areTold(ordered.map(candidateOf));
  const open = choices.filter((one) => !isRanked(one)).sort(byTime);
  let steps = ordered.reduce((sum, choice) => sum + stepsOver(choice), 0);
  const place = (choice: Choice): void => {
    const misfits = isTold ? shifts.misfits(ordered.map(candidateOf), choice.candidate) : undefined;
    ordered.splice(bestPlace(ordered, choice, handedOn, misfits), 0, choice);
  };
  for (const choice of open) {
    if (mayOrder(steps)) place(choice);
    else ordered.splice(placeByDate(ordered, choice), 0, choice);
    steps += stepsOver(choice);
  }
  for (const choice of open) {
    if (!mayOrder(steps)) break;
    ordered.splice(ordered.indexOf(choice), 1);
    place(choice);
  }
  return ordered;
}

/** Each commit that another is placed beside is looked at, with its hunks. */
const stepsOver = ({ candidate }: Choice): number => candidate.files.reduce((sum, { hunks }) => sum + hunks.length, 1);

/** Behind the last one that is older. */
function placeByDate(ordered: readonly Choice[], choice: Choice): number {
  return ordered.findLastIndex((other) => timeOf(other) <= timeOf(choice)) + 1;
}

const candidateOf = ({ candidate }: Choice): Choice['candidate'] => candidate;
const isRanked = ({ listed }: Choice): boolean => listed?.rank !== undefined;
const rankOf = ({ listed }: Choice): number => listed?.rank ?? 0;
const timeOf = ({ candidate }: Choice): number => candidate.author.at.getTime();
const byTime = (a: Choice, b: Choice): number =>
  timeOf(a) - timeOf(b) || ((a.candidate.id ?? '') < (b.candidate.id ?? '') ? -1 : 1);

/** Some vendors write the newest commit of an entry first. */
function isBackwards(listed: readonly Choice[]): boolean {
  let forth = 0;
  for (const [at, choice] of listed.entries()) {
    const later = listed[at + 1];
    if (later) forth += Math.sign(timeOf(later) - timeOf(choice));
  }
  return forth < 0;
}

/** A line that is handed on against the order weighs more than any number of dates. */
const handOnWeight = 1e6;
/** A hunk whose numbers fit elsewhere: more than a week's commits, less than a line that is handed on. */
const misfitWeight = 200;

/** The place with the least against it; of several, the middle one. */
function bestPlace(
  ordered: readonly Choice[],
  choice: Choice,
  handedOn: HandOns,
  misfits: Int32Array | undefined,
): number {
  const time = timeOf(choice);
  // What speaks against standing before all others; each one passed changes it.
  let cost = 0;
  for (const other of ordered) cost += timeOf(other) < time ? 1 : 0;
  for (const weight of handedOn.before(choice).values()) cost += handOnWeight * weight;
  let least = Number.POSITIVE_INFINITY;
  let places: number[] = [];
  const before = handedOn.before(choice);
  const after = handedOn.after(choice);
  for (let at = 0; at <= ordered.length; at++) {
    const here = cost + misfitWeight * (misfits?.[at] ?? 0);
    if (here < least) places = [];
    if (here <= least) places.push(at);
    least = Math.min(least, here);
    const passed = ordered[at];
    if (!passed) break;
    cost += Math.sign(timeOf(passed) - time);
    cost += handOnWeight * ((after.get(passed) ?? 0) - (before.get(passed) ?? 0));
  }
  return places[Math.floor((places.length - 1) / 2)] ?? 0;
}
