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

/** The place nearest to `expected` at which the live lines are these; undefined if nowhere. */
export function locate(weave: LineWeave, old: readonly string[], expected: number): number | undefined {
  const { live } = weave;
  const last = live.length - old.length;
  if (last < 0 || !old.every((text) => weave.everHad(text))) return undefined;
  const start = Math.min(Math.max(expected, 0), last);
  for (let away = 0; start - away >= 0 || start + away <= last; away++) {
    if (start + away <= last && matches(live, old, start + away)) return start + away;
    if (away > 0 && start - away >= 0 && matches(live, old, start - away)) return start - away;
  }
  return undefined;
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
): number | undefined {
  const head = before.slice(Math.max(0, before.length - Math.max(0, 3 - fuzz)));
  const tail = after.slice(0, Math.max(0, 3 - fuzz));
  const old = [...head, ...removed, ...tail];
  if (!old.some(isTelling)) return undefined;
  const place = locate(weave, old, at - head.length + offset);
  return place === undefined ? undefined : place + head.length;
}
