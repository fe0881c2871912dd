import { commonRuns } from './common-lines.js';

/** Lines `[at, at + removed)` of the old file are replaced by lines `[to, to + added)` of the new one. */
export interface Edit {
  readonly at: number;
  readonly removed: number;
  readonly to: number;
  readonly added: number;
}

/** The edits that make `after` of `before`, in order, with at least one common line between two of them. */
export function diffLines(before: readonly string[], after: readonly string[]): Edit[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const endX = before.length - tail;
  const endY = after.length - tail;
  if (head === endX && head === endY) return [];
  const numbers = numbered(before, after, head, endX, endY);
  const edits: Edit[] = [];
  let at = head;
  let to = head;
  const gap = (x: number, y: number): void => {
    if (x > at || y > to) edits.push({ at, removed: x - at, to, added: y - to });
  };
  for (const { at: start, to: startTo, length } of commonRuns(numbers.old, numbers.fresh)) {
    for (let next = 0; next < length; next++) {
      const x = numbers.oldAt[start + next] ?? 0;
      const y = numbers.freshAt[startTo + next] ?? 0;
      gap(x, y);
      at = x + 1;
      to = y + 1;
    }
  }
  gap(endX, endY);
  return edits;
}

interface Numbered {
  readonly old: Int32Array;
  readonly oldAt: Int32Array;
  readonly fresh: Int32Array;
  readonly freshAt: Int32Array;
}

/** The lines between the common ends that both sides have, as numbers (equal lines, equal numbers), and where each one is. */
function numbered(
  before: readonly string[],
  after: readonly string[],
  start: number,
  endX: number,
  endY: number,
): Numbered {
  const numbers = new Map<string, number>();
  for (let at = start; at < endX; at++) {
    const line = before[at] ?? '';
    if (!numbers.has(line)) numbers.set(line, numbers.size);
  }
  const shared = new Uint8Array(numbers.size);
  const fresh: number[] = [];
  const freshAt: number[] = [];
  for (let at = start; at < endY; at++) {
    const number = numbers.get(after[at] ?? '');
    if (number === undefined) continue;
    shared[number] = 1;
    fresh.push(number);
    freshAt.push(at);
  }
  const old: number[] = [];
  const oldAt: number[] = [];
  for (let at = start; at < endX; at++) {
    const number = numbers.get(before[at] ?? '') ?? 0;
    if (shared[number] !== 1) continue;
    old.push(number);
    oldAt.push(at);
  }
  return {
    old: Int32Array.from(old),
    oldAt: Int32Array.from(oldAt),
    fresh: Int32Array.from(fresh),
    freshAt: Int32Array.from(freshAt),
  };
}
