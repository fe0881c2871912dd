import { isTelling, lineKey } from '../hunks/telling.js';
import type { Choice } from './choose.js';
import { revertOrder } from './reverts.js';

/** What a message says of its order with another, in lines. */
const revertWeight = 100;
/** Lines shorter than that are in too many commits to say which came first. */
const minKeyLength = 8;
/** Commits that touch one line; beyond, the line says nothing of their order. */
const maxTouchers = 12;

interface Touch {
  readonly choice: number;
  readonly does: 'adds' | 'removes' | 'needs';
}

/** Which commits must stand before and after which, and by how many lines. */
export class HandOns {
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

/** How often the base's version of a path has a line. */
export type BaseCount = (path: string, key: string) => number;

/** What the lines of commits, and their messages, say of their order. */
export function handOns(choices: readonly Choice[], countInBase: BaseCount): HandOns {
  const handedOn = new HandOns();
  for (const [first, then] of revertOrder(choices.map(({ candidate }) => candidate))) {
    handedOn.say(choices[first], choices[then], revertWeight);
  }
  for (const [place, touches] of touchesOf(choices)) {
    const split = place.indexOf('\0');
    const count = countInBase(place.slice(0, split), place.slice(split + 1));
    // Of a line that stands there several times nobody knows which one a commit means.
    if (count > 1) continue;
    weigh(touches, count === 1, (first, then, weight) => handedOn.say(choices[first], choices[then], weight));
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
