import { isTelling, lineKey } from '../hunks/telling.js';
import type { Choice } from './choose.js';

/** Lines shorter than that are in too many commits to say which came first. */
const minKeyLength = 8;
/** Commits that touch one line; beyond, the line says nothing of their order. */
const maxTouchers = 12;

/**
 * Orders the commits of a step: the changelog's order, in the direction that the dates have; what isn't listed where it stands
 * against the fewest dates; and then so that what makes a line comes before what changes it.
 * @param baseHas whether the base's version of a path has a line.
 */
export function orderChoices(
  choices: readonly Choice[],
  baseHas: (path: string, key: string) => boolean,
): Choice[] {
  return byContent(byRank(choices), baseHas);
}

function byRank(choices: readonly Choice[]): Choice[] {
  const listed = choices.filter(({ listed: one }) => one).sort((a, b) => rankOf(a) - rankOf(b));
  if (isBackwards(listed)) listed.reverse();
  const times = listed.map(timeOf);
  const placed = choices
    .filter(({ listed: one }) => !one)
    .sort(byTime)
    .map((choice) => ({ choice, before: placeByDate(times, timeOf(choice)) }));
  const ordered: Choice[] = [];
  let next = 0;
  for (const { choice, before } of placed.sort((a, b) => a.before - b.before)) {
    while (next < before) ordered.push(...listed.slice(next, ++next));
    ordered.push(choice);
  }
  return [...ordered, ...listed.slice(next)];
}

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

/** The place among times that don't quite ascend at which the fewest are on the wrong side; of several, the middle one. */
function placeByDate(times: readonly number[], time: number): number {
  let wrong = times.filter((one) => one < time).length;
  let least = wrong;
  let first = 0;
  let last = 0;
  for (const [at, one] of times.entries()) {
    wrong += one > time ? 1 : one < time ? -1 : 0;
    if (wrong < least) {
      least = wrong;
      first = last = at + 1;
    } else if (wrong === least && last === at) last = at + 1;
  }
  return Math.floor((first + last) / 2);
}

interface Touch {
  readonly choice: number;
  readonly does: 'adds' | 'removes' | 'needs';
}

/** Moves commits no more than the lines that they hand on to each other ask for. */
function byContent(ordered: readonly Choice[], baseHas: (path: string, key: string) => boolean): Choice[] {
  const weights = new Map<string, number>();
  for (const [place, touches] of touchesOf(ordered)) {
    const split = place.indexOf('\0');
    const inBase = baseHas(place.slice(0, split), place.slice(split + 1));
    weigh(touches, inBase, weights);
  }
  const after = ordered.map((): number[] => []);
  const waits = new Int32Array(ordered.length);
  for (const [pair, weight] of weights) {
    const [first = 0, then = 0] = pair.split(' ').map(Number);
    if (weight <= (weights.get(`${then} ${first}`) ?? 0)) continue;
    after[first]?.push(then);
    waits[then] = (waits[then] ?? 0) + 1;
  }
  const left = new Set(ordered.keys());
  const result: Choice[] = [];
  while (left.size > 0) {
    // In a circle the one that stands first goes first.
    let pick: number | undefined;
    for (const at of left) {
      if (waits[at] !== 0) continue;
      pick = at;
      break;
    }
    pick ??= [...left][0] ?? 0;
    left.delete(pick);
    result.push(...ordered.slice(pick, pick + 1));
    for (const then of after[pick] ?? []) waits[then] = (waits[then] ?? 0) - 1;
  }
  return result;
}

function touchesOf(ordered: readonly Choice[]): Map<string, Touch[]> {
  const touches = new Map<string, Touch[]>();
  for (const [choice, { candidate }] of ordered.entries()) {
    for (const { from, to, hunks } of candidate.files) {
      for (const { signs, lines } of hunks) {
        for (const [at, line] of lines.entries()) {
          const key = lineKey(line);
          if (key.length < minKeyLength || !isTelling(line)) continue;
          const sign = signs[at];
          const place = `${(sign === '+' ? to : from) ?? ''}\0${key}`;
          const touch: Touch = { choice, does: sign === '+' ? 'adds' : sign === '-' ? 'removes' : 'needs' };
          const known = touches.get(place);
          if (known) known.push(touch);
          else touches.set(place, [touch]);
        }
      }
    }
  }
  return touches;
}

/** A line that isn't in the base is made before it is removed or stood beside; one that is, the other way round. */
function weigh(touches: readonly Touch[], inBase: boolean, weights: Map<string, number>): void {
  const of = (does: Touch['does']): Set<number> =>
    new Set(touches.filter((touch) => touch.does === does).map(({ choice }) => choice));
  const adds = of('adds');
  const removes = of('removes');
  const needs = of('needs');
  if (adds.size + removes.size === 0 || adds.size + removes.size + needs.size > maxTouchers) return;
  // One that moves the line says nothing of before and after.
  for (const mover of [...adds].filter((one) => removes.has(one))) {
    adds.delete(mover);
    removes.delete(mover);
  }
  if (adds.size > 1 || removes.size > 1) return;
  const say = (first: number, then: number, weight: number): void => {
    if (first === then) return;
    weights.set(`${first} ${then}`, (weights.get(`${first} ${then}`) ?? 0) + weight);
  };
  for (const add of adds) for (const remove of removes) if (inBase) say(remove, add, 2); else say(add, remove, 2);
  for (const need of needs) {
    if (inBase && adds.size === 0) for (const remove of removes) say(need, remove, 1);
    if (!inBase && removes.size === 0) for (const add of adds) say(add, need, 1);
  }
}
