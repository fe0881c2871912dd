/** Lines `[at, at + removed)` of the old file are replaced by lines `[to, to + added)` of the new one. */
export interface Edit {
  readonly at: number;
  readonly removed: number;
  readonly to: number;
  readonly added: number;
}

/** Steps past which a stretch is taken as replaced as a whole: 16 MB of trace, and nobody reads such a diff. */
const maxSteps = 1500;

/**
 * The edits that make `after` of `before`, in order, with at least one common line between two of them. E. Myers, "An O(ND)
 * Difference Algorithm and Its Variations" (1986), greedy, between the common ends.
 */
export function diffLines(before: readonly string[], after: readonly string[]): Edit[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const [old, fresh] = numbered(before.slice(head, before.length - tail), after.slice(head, after.length - tail));
  if (old.length === 0 && fresh.length === 0) return [];
  return editsOf(commonLines(old, fresh), old.length, fresh.length).map((edit) => ({
    ...edit,
    at: edit.at + head,
    to: edit.to + head,
  }));
}

/** Lines as numbers: equal lines, equal numbers. */
function numbered(before: readonly string[], after: readonly string[]): [Int32Array, Int32Array] {
  const numbers = new Map<string, number>();
  const numberOf = (line: string): number => {
    const known = numbers.get(line);
    if (known !== undefined) return known;
    numbers.set(line, numbers.size);
    return numbers.size - 1;
  };
  return [Int32Array.from(before, numberOf), Int32Array.from(after, numberOf)];
}

/** Pairs of places that stay, ascending; empty when the two are too far apart. */
function commonLines(before: Int32Array, after: Int32Array): [number, number][] {
  const trace = furthestPaths(before, after);
  if (!trace) return [];
  const pairs: [number, number][] = [];
  let x = before.length;
  let y = after.length;
  for (let step = trace.length - 1; step >= 0 && (x > 0 || y > 0); step--) {
    const furthest = trace[step] ?? new Int32Array();
    const k = x - y;
    const reached = (diagonal: number): number => furthest[diagonal + step] ?? 0;
    const down = step > 0 && (k === -step || (k !== step && reached(k - 1) < reached(k + 1)));
    const previousK = down ? k + 1 : k - 1;
    const startX = step === 0 ? 0 : down ? reached(previousK) : reached(previousK) + 1;
    while (x > startX && y > 0) pairs.push([--x, --y]);
    if (step > 0) {
      x = reached(previousK);
      y = x - previousK;
    }
  }
  return pairs.reverse();
}

/** Of each step the furthest x on the diagonals -step … step, as it was before the step; undefined past `maxSteps`. */
function furthestPaths(before: Int32Array, after: Int32Array): Int32Array[] | undefined {
  const bound = Math.min(before.length + after.length, maxSteps);
  const furthest = new Int32Array(2 * bound + 3);
  const zero = bound + 1;
  const trace: Int32Array[] = [];
  for (let step = 0; step <= bound; step++) {
    trace.push(furthest.slice(zero - step, zero + step + 1));
    for (let k = -step; k <= step; k += 2) {
      const right = furthest[zero + k - 1] ?? 0;
      const down = furthest[zero + k + 1] ?? 0;
      let x = k === -step || (k !== step && right < down) ? down : right + 1;
      if (step === 0) x = 0;
      while (x < before.length && x - k < after.length && before[x] === after[x - k]) x++;
      furthest[zero + k] = x;
      if (x >= before.length && x - k >= after.length) return trace;
    }
  }
  return undefined;
}

function editsOf(pairs: readonly [number, number][], removed: number, added: number): Edit[] {
  const edits: Edit[] = [];
  let at = 0;
  let to = 0;
  for (const [x, y] of [...pairs, [removed, added] as const]) {
    if (x > at || y > to) edits.push({ at, removed: x - at, to, added: y - to });
    at = x + 1;
    to = y + 1;
  }
  return edits;
}
