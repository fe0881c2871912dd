// Learns the weights of one look: Adam on the mean loss of small batches, the same for the same seed.
import { Random } from '#libs/hostile';
import type { Weights } from '#libs/patchsplit';
import { type Examples, type Scale, scaled, scaleOf } from './examples.js';
import { arraysOf, lossOf, noParameters, type Parameters } from './network.js';

export interface Training {
  readonly seed: number;
  readonly passes: number;
  readonly units: number;
}

export const usual: Training = { seed: 1, passes: 14, units: 14 };

const batchHunks = 192;
const firstDeviation = 0.3;
/** From the first to the last pass the steps become shorter. */
const rate = { falling: 0.01, least: 0.0005 };
const decay = { mean: 0.9, square: 0.99, weights: 3e-4 };
/** What the last passes end with is averaged: each one by itself still wanders. */
const averaged = 3;

/**
 * Fits one look's weights to the examples of several steps.
 * @param onPass told the mean loss during each pass, and at the end that of what comes out
 */
export function train(
  steps: readonly Examples[],
  { seed, passes, units }: Training,
  onPass: (loss: number) => void = () => undefined,
): Weights {
  const scale = scaleOf(steps);
  const shown = steps.map((step) => scaled(step, scale));
  const random = new Random('attribution', seed);
  const parameters = begin(units, shown[0]?.width ?? 0, shown[0]?.noneWidth ?? 0, random);
  const result = noParameters(parameters.units, parameters.width, parameters.noneWidth);
  const adam = new Adam(parameters);
  const ending = Math.min(passes, averaged);
  for (let pass = 0; pass < passes; pass++) {
    const stepLength = rate.falling * (1 - pass / passes) + rate.least;
    let loss = 0;
    let seen = 0;
    for (const { examples, batch } of batchesOf(shown, random)) {
      const gradient = noParameters(parameters.units, parameters.width, parameters.noneWidth);
      loss += batch.length * lossOf(parameters, examples, batch, gradient);
      seen += batch.length;
      adam.step(gradient, stepLength);
    }
    onPass(loss / seen);
    if (pass >= passes - ending) addTo(result, parameters, 1 / ending);
  }
  onPass(meanLoss(result, shown));
  return unscaled(result, scale);
}

function begin(units: number, width: number, noneWidth: number, random: Random): Parameters {
  const parameters = noParameters(units, width, noneWidth);
  for (const array of [parameters.hidden, parameters.out]) {
    for (const at of array.keys()) array[at] = firstDeviation * normal(random);
  }
  return parameters;
}

/** Box-Muller. */
function normal(random: Random): number {
  const [a, b] = [(random.word() + 1) / 2 ** 32, random.word() / 2 ** 32];
  return Math.sqrt(-2 * Math.log(a)) * Math.cos(2 * Math.PI * b);
}

/** Each hunk once, those of a batch of one step, all in random order. */
function batchesOf(
  steps: readonly Examples[],
  random: Random,
): { readonly examples: Examples; readonly batch: Int32Array }[] {
  const batches = steps.flatMap((examples) => {
    const order = shuffled(
      Int32Array.from({ length: examples.hunks }, (_, hunk) => hunk),
      random,
    );
    const starts = Array.from({ length: Math.ceil(order.length / batchHunks) }, (_, at) => at * batchHunks);
    return starts.map((start) => ({ examples, batch: order.subarray(start, start + batchHunks) }));
  });
  const order = shuffled(Int32Array.from(batches.keys()), random);
  return Array.from(order).flatMap((at) => batches[at] ?? []);
}

function shuffled(items: Int32Array, random: Random): Int32Array {
  for (let at = items.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [items[at], items[other]] = [items[other] ?? 0, items[at] ?? 0];
  }
  return items;
}

/** Kingma and Ba's: steps as long as the gradient is steady. With weight decay in the gradient. */
class Adam {
  private readonly means: readonly Float64Array[];
  private readonly squares: readonly Float64Array[];
  private steps = 0;

  constructor(private readonly parameters: Parameters) {
    this.means = arraysOf(parameters).map(({ length }) => new Float64Array(length));
    this.squares = arraysOf(parameters).map(({ length }) => new Float64Array(length));
  }

  step(gradient: Parameters, length: number): void {
    this.steps += 1;
    const meanShare = 1 - decay.mean ** this.steps;
    const squareShare = 1 - decay.square ** this.steps;
    const gradients = arraysOf(gradient);
    for (const [part, values] of arraysOf(this.parameters).entries()) {
      const means = this.means[part] as Float64Array;
      const squares = this.squares[part] as Float64Array;
      for (const [at, value] of values.entries()) {
        const slope = (gradients[part]?.[at] ?? 0) + decay.weights * value;
        const mean = (means[at] = decay.mean * (means[at] ?? 0) + (1 - decay.mean) * slope);
        const square = (squares[at] = decay.square * (squares[at] ?? 0) + (1 - decay.square) * slope * slope);
        values[at] = value - (length * (mean / meanShare)) / (Math.sqrt(square / squareShare) + 1e-8);
      }
    }
  }
}

function addTo(sum: Parameters, parameters: Parameters, share: number): void {
  const sums = arraysOf(sum);
  for (const [part, values] of arraysOf(parameters).entries()) {
    const into = sums[part] as Float64Array;
    for (const [at, value] of values.entries()) into[at] = (into[at] ?? 0) + share * value;
  }
}

function meanLoss(parameters: Parameters, steps: readonly Examples[]): number {
  const hunks = steps.reduce((sum, step) => sum + step.hunks, 0);
  const total = steps.reduce((sum, step) => sum + step.hunks * lossOf(parameters, step, everyHunk(step)), 0);
  return total / hunks;
}

const everyHunk = ({ hunks }: Examples): Int32Array => Int32Array.from({ length: hunks }, (_, hunk) => hunk);

/** The same network for features as they are. What all pairs' scores shift by goes to none's constant: only differences count. */
function unscaled({ units, width, hidden, bias, out, pair, none }: Parameters, { mean, deviation }: Scale): Weights {
  const rowOf = (unit: number): number[] =>
    Array.from({ length: width }, (_, at) => (hidden[unit * width + at] ?? 0) / (deviation[at] ?? 1));
  const rows = Array.from({ length: units }, (_, unit) => rowOf(unit));
  const straight = Array.from(pair, (weight, at) => weight / (deviation[at] ?? 1));
  const shift = (row: readonly number[]): number => row.reduce((sum, weight, at) => sum + weight * (mean[at] ?? 0), 0);
  return {
    pair: straight.map(rounded),
    hidden: rows.map((row) => row.map(rounded)),
    bias: rows.map((row, unit) => rounded((bias[unit] ?? 0) - shift(row))),
    out: Array.from(out, rounded),
    none: Array.from(none, (weight, at) => rounded(at === 0 ? weight + shift(straight) : weight)),
  };
}

/** As the weights' file has them. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
