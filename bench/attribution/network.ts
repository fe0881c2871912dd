// The network of libs/patchsplit's `Weights` as it is while it learns, and the gradient of its loss.
import type { Examples } from './examples.js';

/** What is fitted, in the order in which gradients and steps go through it. */
export interface Parameters {
  readonly units: number;
  readonly width: number;
  readonly noneWidth: number;
  /** Unit by unit, each by feature. */
  readonly hidden: Float64Array;
  readonly bias: Float64Array;
  readonly out: Float64Array;
  readonly pair: Float64Array;
  readonly none: Float64Array;
}

const parts = ['hidden', 'bias', 'out', 'pair', 'none'] as const;

/** All zero. */
export function noParameters(units: number, width: number, noneWidth: number): Parameters {
  return {
    units,
    width,
    noneWidth,
    hidden: new Float64Array(units * width),
    bias: new Float64Array(units),
    out: new Float64Array(units),
    pair: new Float64Array(width),
    none: new Float64Array(noneWidth),
  };
}

/** Its arrays, always in the same order. */
export function arraysOf(parameters: Parameters): readonly Float64Array[] {
  return parts.map((part) => parameters[part]);
}

/**
 * The mean loss of some hunks, each by its weight: −ln of the probability of what is true of it. Adds its gradient to `gradient`, if one
 * is given.
 * @param batch places in `examples`
 */
export function lossOf(
  parameters: Parameters,
  examples: Examples,
  batch: ArrayLike<number>,
  gradient?: Parameters,
): number {
  const { units } = parameters;
  let most = 0;
  for (let at = 0; at < batch.length; at++) most = Math.max(most, rowsOf(examples, batch[at] ?? 0));
  const active = new Float64Array(most * units);
  const scores = new Float64Array(most);
  let total = 0;
  for (let at = 0; at < batch.length; at++) {
    const hunk = batch[at] ?? 0;
    const weight = (examples.weights[hunk] ?? 0) / batch.length;
    if (weight === 0) continue;
    const rows = rowsOf(examples, hunk);
    const start = examples.starts[hunk] ?? 0;
    for (let row = 0; row < rows; row++) scores[row] = forward(parameters, examples, start + row, active, row * units);
    const none = share(scores, rows, scoreOfNone(parameters, examples, hunk));
    const answer = examples.answers[hunk] ?? -1;
    total -= weight * Math.log(Math.max(1e-30, answer < 0 ? none : (scores[answer] ?? 0)));
    if (!gradient) continue;
    for (let row = 0; row < rows; row++) {
      const off = weight * ((scores[row] ?? 0) - (row === answer ? 1 : 0));
      backward(parameters, gradient, examples, start + row, active, row * units, off);
    }
    const off = weight * (none - (answer < 0 ? 1 : 0));
    for (let i = 0; i < parameters.noneWidth; i++)
      bump(gradient.none, i, off * (examples.none[hunk * parameters.noneWidth + i] ?? 0));
  }
  return total;
}

function rowsOf({ starts }: Examples, hunk: number): number {
  return (starts[hunk + 1] ?? 0) - (starts[hunk] ?? 0);
}

/** A pair's score; what each unit says of it goes to `active`. */
function forward(
  { units, width, hidden, bias, out, pair }: Parameters,
  { features }: Examples,
  row: number,
  active: Float64Array,
  to: number,
): number {
  const from = row * width;
  let score = 0;
  for (let i = 0; i < width; i++) score += (pair[i] ?? 0) * (features[from + i] ?? 0);
  for (let unit = 0; unit < units; unit++) {
    let sum = bias[unit] ?? 0;
    const weights = unit * width;
    for (let i = 0; i < width; i++) sum += (hidden[weights + i] ?? 0) * (features[from + i] ?? 0);
    active[to + unit] = sum > 0 ? sum : 0;
    if (sum > 0) score += sum * (out[unit] ?? 0);
  }
  return score;
}

function scoreOfNone({ noneWidth, none }: Parameters, examples: Examples, hunk: number): number {
  let score = 0;
  for (let i = 0; i < noneWidth; i++) score += (none[i] ?? 0) * (examples.none[hunk * noneWidth + i] ?? 0);
  return score;
}

/** Softmax in place, with none of them beside; gives what is none's. */
function share(scores: Float64Array, rows: number, none: number): number {
  let most = none;
  for (let row = 0; row < rows; row++) most = Math.max(most, scores[row] ?? 0);
  let sum = Math.exp(none - most);
  for (let row = 0; row < rows; row++) sum += scores[row] = Math.exp((scores[row] ?? 0) - most);
  for (let row = 0; row < rows; row++) scores[row] = (scores[row] ?? 0) / sum;
  return Math.exp(none - most) / sum;
}

/** @param off how much too high the pair's score is, by the loss. */
function backward(
  { units, width, out }: Parameters,
  gradient: Parameters,
  { features }: Examples,
  row: number,
  active: Float64Array,
  to: number,
  off: number,
): void {
  const from = row * width;
  for (let i = 0; i < width; i++) bump(gradient.pair, i, off * (features[from + i] ?? 0));
  for (let unit = 0; unit < units; unit++) {
    const said = active[to + unit] ?? 0;
    if (said === 0) continue;
    bump(gradient.out, unit, off * said);
    const share = off * (out[unit] ?? 0);
    bump(gradient.bias, unit, share);
    const weights = unit * width;
    for (let i = 0; i < width; i++) bump(gradient.hidden, weights + i, share * (features[from + i] ?? 0));
  }
}

function bump(array: Float64Array, at: number, by: number): void {
  array[at] = (array[at] ?? 0) + by;
}
