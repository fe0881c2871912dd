/** Steps past which a box is divided where the search got furthest, not where the shortest way goes through. */
const maxSteps = 256;

/** What is still to be compared: `before[x, endX)` with `after[y, endY)`. */
interface Box {
  readonly x: number;
  readonly endX: number;
  readonly y: number;
  readonly endY: number;
}

/** Two runs of equal lines. */
export interface CommonRun {
  readonly at: number;
  readonly to: number;
  readonly length: number;
}

/**
 * Runs that both sequences have, ascending. E. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), in linear space:
 * a box is divided where the searches from both its ends meet, and each half compared by itself. Far apart sequences are divided
 * early, so that the time is bounded by their length times `maxSteps`; the runs are then fewer than the most possible.
 */
export function commonRuns(before: Int32Array, after: Int32Array): CommonRun[] {
  const runs: CommonRun[] = [];
  const search = new MiddleSearch(before, after);
  const open: Box[] = [{ x: 0, endX: before.length, y: 0, endY: after.length }];
  const found = (at: number, to: number, length: number): void => {
    const last = runs.at(-1);
    if (length === 0) return;
    if (last && last.at + last.length === at && last.to + last.length === to) {
      runs[runs.length - 1] = { ...last, length: last.length + length };
    } else runs.push({ at, to, length });
  };
  for (let box = open.pop(); box; box = open.pop()) {
    let { x, endX, y, endY } = box;
    const head = equalFrom(before, after, x, y, Math.min(endX - x, endY - y));
    found(x, y, head);
    x += head;
    y += head;
    const tail = equalBefore(before, after, endX, endY, Math.min(endX - x, endY - y));
    endX -= tail;
    endY -= tail;
    // Compared when what is before it has been: as a box of equal lines, of which the head is all.
    if (tail > 0) open.push({ x: endX, endX: endX + tail, y: endY, endY: endY + tail });
    if (x === endX || y === endY) continue;
    const middle = search.middleOf({ x, endX, y, endY });
    open.push({ x: middle.x, endX, y: middle.y, endY }, { x, endX: middle.x, y, endY: middle.y });
  }
  return runs;
}

function equalFrom(before: Int32Array, after: Int32Array, x: number, y: number, most: number): number {
  let length = 0;
  while (length < most && before[x + length] === after[y + length]) length++;
  return length;
}

function equalBefore(before: Int32Array, after: Int32Array, endX: number, endY: number, most: number): number {
  let length = 0;
  while (length < most && before[endX - 1 - length] === after[endY - 1 - length]) length++;
  return length;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Finds a point on a short way through a box that has no equal lines at either end. */
class MiddleSearch {
  /** By diagonal (x − y): how far the search from the box's beginning, and that from its end, has come. */
  private readonly forth: Int32Array;
  private readonly back: Int32Array;
  private readonly zero: number;

  constructor(
    private readonly before: Int32Array,
    private readonly after: Int32Array,
  ) {
    this.zero = after.length + 1;
    this.forth = new Int32Array(before.length + after.length + 3);
    this.back = new Int32Array(before.length + after.length + 3);
  }

  middleOf(box: Box): Point {
    const { forth, back, zero } = this;
    const first = box.x - box.y;
    const last = box.endX - box.endY;
    const odd = ((first - last) & 1) !== 0;
    const lowest = box.x - box.endY;
    const highest = box.endX - box.y;
    forth[zero + first] = box.x;
    back[zero + last] = box.endX;
    for (let step = 1; ; step++) {
      const [forthLow, forthHigh] = reach(first, step, lowest, highest);
      for (let k = forthHigh; k >= forthLow; k -= 2) {
        const x = this.stepForth(box, k, first, step);
        forth[zero + k] = x;
        if (odd && Math.abs(k - last) < step && x >= (back[zero + k] ?? 0)) return { x, y: x - k };
      }
      const [backLow, backHigh] = reach(last, step, lowest, highest);
      for (let k = backHigh; k >= backLow; k -= 2) {
        const x = this.stepBack(box, k, last, step);
        back[zero + k] = x;
        if (!odd && Math.abs(k - first) <= step && x <= (forth[zero + k] ?? 0)) return { x, y: x - k };
      }
      if (step >= maxSteps) return this.furthest(box, [forthLow, forthHigh], [backLow, backHigh]);
    }
  }

  /** From the diagonal beside it that got further: one line of `before` more, or one of `after`. */
  private stepForth(box: Box, k: number, first: number, step: number): number {
    const { forth, zero } = this;
    const left = k - 1 >= Math.max(first - step + 1, box.x - box.endY) ? (forth[zero + k - 1] ?? 0) + 1 : -1;
    const right = k + 1 <= Math.min(first + step - 1, box.endX - box.y) ? (forth[zero + k + 1] ?? 0) : -1;
    let x = Math.min(Math.max(left, right), box.endX, box.endY + k);
    while (x < box.endX && x - k < box.endY && this.before[x] === this.after[x - k]) x++;
    return x;
  }

  private stepBack(box: Box, k: number, last: number, step: number): number {
    const { back, zero } = this;
    const none = Number.MAX_SAFE_INTEGER;
    const left = k - 1 >= Math.max(last - step + 1, box.x - box.endY) ? (back[zero + k - 1] ?? 0) : none;
    const right = k + 1 <= Math.min(last + step - 1, box.endX - box.y) ? (back[zero + k + 1] ?? 0) - 1 : none;
    let x = Math.max(Math.min(left, right), box.x, box.y + k);
    while (x > box.x && x - k > box.y && this.before[x - 1] === this.after[x - k - 1]) x--;
    return x;
  }

  /** Where either search got furthest from its own end. */
  private furthest(box: Box, forthRange: readonly [number, number], backRange: readonly [number, number]): Point {
    let best: Point = { x: box.x, y: box.y };
    let most = -1;
    const offer = (x: number, k: number, done: number): void => {
      const point = { x, y: x - k };
      const isCorner = (x === box.x && point.y === box.y) || (x === box.endX && point.y === box.endY);
      if (done <= most || isCorner) return;
      [best, most] = [point, done];
    };
    for (let k = forthRange[0]; k <= forthRange[1]; k += 2) {
      const x = this.forth[this.zero + k] ?? 0;
      offer(x, k, x - box.x + (x - k - box.y));
    }
    for (let k = backRange[0]; k <= backRange[1]; k += 2) {
      const x = this.back[this.zero + k] ?? 0;
      offer(x, k, box.endX - x + (box.endY - (x - k)));
    }
    return best;
  }
}

/** The diagonals that step `step` from `from` comes to, every other one, within the box. */
function reach(from: number, step: number, lowest: number, highest: number): readonly [number, number] {
  let low = from - step;
  let high = from + step;
  if (low < lowest) low += ((lowest - low + 1) >> 1) * 2;
  if (high > highest) high -= ((high - highest + 1) >> 1) * 2;
  return [low, high];
}
