import type { PatchHunk } from '../candidates/candidate.js';
import { isTelling } from '../hunks/telling.js';
import type { LineWeave, WovenLine } from '../weave/line-weave.js';

/** One contiguous change of a hunk, with the unchanged lines around it. */
export interface Change {
  readonly before: readonly string[];
  readonly removed: readonly string[];
  readonly added: readonly string[];
  readonly after: readonly string[];
  /** Place of the first removed line in the patch's own old file, from 0. */
  readonly at: number;
}

/** Takes a hunk apart into its changes, each with all of the hunk's unchanged lines on either side up to the next change. */
export function changesOf({ oldStart, signs, lines }: PatchHunk): Change[] {
  const changes: Change[] = [];
  let old = Math.max(0, oldStart - 1);
  let context: string[] = [];
  for (let at = 0; at < lines.length;) {
    if (signs[at] === ' ') {
      context.push(lines[at++] ?? '');
      old += 1;
      continue;
    }
    const start = old;
    const removed: string[] = [];
    const added: string[] = [];
    for (; at < lines.length && signs[at] !== ' '; at++) {
      if (signs[at] === '-') removed.push(lines[at] ?? '');
      else added.push(lines[at] ?? '');
    }
    old += removed.length;
    const after: string[] = [];
    for (let next = at; next < lines.length && signs[next] === ' '; next++) after.push(lines[next] ?? '');
    changes.push({ before: context, removed, added, after, at: start });
    context = [];
  }
  return changes;
}

/** What a hunk expects to find. */
export function oldLines({ signs, lines }: PatchHunk): string[] {
  return lines.filter((_, at) => signs[at] !== '+');
}

/**
 * The place nearest to `expected` at which the live lines are these; undefined if nowhere.
 * @param spend told how many lines are looked at.
 */
export function locate(
  weave: LineWeave,
  old: readonly string[],
  expected: number,
  spend: (steps: number) => void,
): number | undefined {
  const { live } = weave;
  const last = live.length - old.length;
  spend(old.length);
  if (last < 0) return undefined;
  const start = Math.min(Math.max(expected, 0), last);
  if (matches(live, old, start)) return start;
  // Before the file is searched for the first line, the rarest is asked where it is, or whether.
  const rarest = rarestOf(weave, old);
  if (rarest.count === 0) return undefined;
  spend(live.length);
  if (rarest.count <= fewPlaces) return nearest(live, old, start, rarest);
  for (let away = 0; start - away >= 0 || start + away <= last; away++) {
    if (start + away <= last && matches(live, old, start + away)) return start + away;
    if (away > 0 && start - away >= 0 && matches(live, old, start - away)) return start - away;
  }
  return undefined;
}

/** A line in so few places is looked for by itself. */
const fewPlaces = 4;

interface Rarest {
  readonly at: number;
  readonly count: number;
}

function rarestOf(weave: LineWeave, old: readonly string[]): Rarest {
  let rarest: Rarest = { at: 0, count: Number.POSITIVE_INFINITY };
  for (const [at, text] of old.entries()) {
    const count = weave.countOf(text);
    if (count < rarest.count) rarest = { at, count };
    if (count === 0) break;
  }
  return rarest;
}

/** Of the places that the rarest line leaves, the nearest one that fits; of two, the later. */
function nearest(
  live: readonly WovenLine[],
  old: readonly string[],
  start: number,
  rarest: Rarest,
): number | undefined {
  const text = old[rarest.at];
  let left = rarest.count;
  let best: number | undefined;
  for (let line = 0; line < live.length && left > 0; line++) {
    if (live[line]?.text !== text) continue;
    left -= 1;
    const place = line - rarest.at;
    if (place < 0 || place > live.length - old.length || !matches(live, old, place)) continue;
    if (best === undefined || Math.abs(place - start) <= Math.abs(best - start)) best = place;
  }
  return best;
}

function matches(live: readonly WovenLine[], old: readonly string[], at: number): boolean {
  for (let next = 0; next < old.length; next++) if (live[at + next]?.text !== old[next]) return false;
  return true;
}

/** Where a change goes if `fuzz` unchanged lines fewer on either end must fit; gives the place of its first removed line. */
export function locateChange(
  weave: LineWeave,
  { before, removed, after, at }: Change,
  offset: number,
  fuzz: number,
  spend: (steps: number) => void,
): number | undefined {
  const head = before.slice(Math.max(0, before.length - Math.max(0, 3 - fuzz)));
  const tail = after.slice(0, Math.max(0, 3 - fuzz));
  const old = [...head, ...removed, ...tail];
  if (!old.some(isTelling)) return undefined;
  const place = locate(weave, old, at - head.length + offset, spend);
  return place === undefined ? undefined : place + head.length;
}
