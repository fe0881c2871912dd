import { isTelling, lineKey } from '../hunks/telling.js';
import type { Choice } from './choose.js';

/** Lines shorter than that are in too many commits to say which came first. */
const minKeyLength = 8;
/** Commits that touch one line; beyond, the line says nothing of their order. */
const maxTouchers = 12;

/**
 * Orders the commits of a step. What the changelog lists keeps its order, in the direction that the dates have. The others come one
 * by one to where the fewest lines are changed before they are made, and of such places to where the fewest dates are against it.
 * @param baseHas whether the base's version of a path has a line.
 */
export function orderChoices(choices: readonly Choice[], baseHas: (path: string, key: string) => boolean): Choice[] {
  const ordered = choices.filter(isRanked).sort((a, b) => rankOf(a) - rankOf(b));
  if (isBackwards(ordered)) ordered.reverse();
  const handedOn = handOns(choices, baseHas);
  for (const choice of choices.filter((one) => !isRanked(one)).sort(byTime)) {
    ordered.splice(bestPlace(ordered, choice, handedOn), 0, choice);
  }
  return ordered;
}

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

/** The place with the least against it; of several, the middle one. */
function bestPlace(ordered: readonly Choice[], choice: Choice, handedOn: HandOns): number {
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
    if (cost < least) places = [];
    if (cost <= least) places.push(at);
    least = Math.min(least, cost);
    const passed = ordered[at];
    if (!passed) break;
    cost += Math.sign(timeOf(passed) - time);
    cost += handOnWeight * ((after.get(passed) ?? 0) - (before.get(passed) ?? 0));
  }
  return places[Math.floor((places.length - 1) / 2)] ?? 0;
}

interface Touch {
  readonly choice: number;
  readonly does: 'adds' | 'removes' | 'needs';
}

/** Which commits must stand before and after which, and by how many lines. */
class HandOns {
  private readonly firsts = new Map<Choice, Map<Choice, number>>();
  private readonly thens = new Map<Choice, Map<Choice, number>>();

  say(first: Choice | undefined, then: Choice | undefined, weight: number): void {
    if (!first || !then || first === then) return;
    add(this.firsts, then, first, weight);
    add(this.thens, first, then, weight);
  }

  /** Those that must stand before it. */
  before(choice: Choice): ReadonlyMap<Choice, number> {
    return this.firsts.get(choice) ?? new Map();
  }

  after(choice: Choice): ReadonlyMap<Choice, number> {
    return this.thens.get(choice) ?? new Map();
  }
}

function add(map: Map<Choice, Map<Choice, number>>, key: Choice, other: Choice, weight: number): void {
  const known = map.get(key);
  if (known) known.set(other, (known.get(other) ?? 0) + weight);
  else map.set(key, new Map([[other, weight]]));
}

function handOns(choices: readonly Choice[], baseHas: (path: string, key: string) => boolean): HandOns {
  const handedOn = new HandOns();
  for (const [place, touches] of touchesOf(choices)) {
    const split = place.indexOf('\0');
    const inBase = baseHas(place.slice(0, split), place.slice(split + 1));
    weigh(touches, inBase, (first, then, weight) => handedOn.say(choices[first], choices[then], weight));
  }
  return handedOn;
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
function weigh(
  touches: readonly Touch[],
  inBase: boolean,
  say: (first: number, then: number, weight: number) => void,
): void {
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
  for (const add of adds) {
    for (const remove of removes) {
      if (inBase) say(remove, add, 2);
      else say(add, remove, 2);
    }
  }
  for (const need of needs) {
    if (inBase && adds.size === 0) for (const remove of removes) say(need, remove, 1);
    if (!inBase && removes.size === 0) for (const add of adds) say(add, need, 1);
  }
}
