// What the network learns from: a look at each step, and what is true of it.
import type { Look } from '#libs/patchsplit';
import type { Step } from './step.js';

/** The hunks of one step: their pairs' features row by row, and which pair is the true one. */
export interface Examples {
  readonly hunks: number;
  readonly width: number;
  readonly noneWidth: number;
  /** Row by row. */
  readonly features: Float32Array;
  /** Where each hunk's rows begin, and where the last one's end. */
  readonly starts: Int32Array;
  readonly none: Float32Array;
  /** Which of the hunk's rows is the true one; -1 for none of them. */
  readonly answers: Int32Array;
  /** How much a hunk counts: 1 in the mean. */
  readonly weights: Float64Array;
}

/** What features are in the mean, and how far from it. */
export interface Scale {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

/** A hunk of more lines counts no more than this. */
const maxLines = 40;
/** A feature that is always the same isn't blown up. */
const leastDeviation = 1e-3;

/** Puts a look at a step beside its truth. A hunk is the subject's that most of its lines are; by the root of their number it counts. */
export function examplesOf({ pairs, none }: Look, { subjects, truth }: Step): Examples {
  const width = pairs.find((list) => list.length > 0)?.[0]?.features.length ?? 0;
  const noneWidth = none[0]?.length ?? 0;
  const starts = new Int32Array(pairs.length + 1);
  for (const [hunk, list] of pairs.entries()) starts[hunk + 1] = (starts[hunk] ?? 0) + list.length;
  const features = new Float32Array((starts[pairs.length] ?? 0) * width);
  const answers = new Int32Array(pairs.length).fill(-1);
  const weights = new Float64Array(pairs.length);
  const places = new Map(subjects.map((subject, place) => [subject, place]));
  for (const [hunk, list] of pairs.entries()) {
    for (const [row, pair] of list.entries()) features.set(pair.features, ((starts[hunk] ?? 0) + row) * width);
    const owners = [...(truth[hunk] ?? [])];
    const [[owner] = []] = owners.sort(([, a], [, b]) => b - a);
    const subject = owner === undefined ? undefined : places.get(owner);
    answers[hunk] = list.findIndex((pair) => pair.subject === subject);
    const lines = owners.reduce((sum, [, count]) => sum + count, 0);
    weights[hunk] = Math.sqrt(Math.min(maxLines, lines));
  }
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / Math.max(1, weights.length);
  for (const [hunk, weight] of weights.entries()) weights[hunk] = mean === 0 ? 0 : weight / mean;
  return {
    hunks: pairs.length,
    width,
    noneWidth,
    features,
    starts,
    none: Float32Array.from(none.flat()),
    answers,
    weights,
  };
}

export function scaleOf(steps: readonly Examples[]): Scale {
  const width = steps[0]?.width ?? 0;
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  let rows = 0;
  for (const { features } of steps) {
    rows += features.length / width;
    for (const [at, value] of features.entries()) mean[at % width] = (mean[at % width] ?? 0) + value;
  }
  for (let at = 0; at < width; at++) mean[at] = (mean[at] ?? 0) / rows;
  for (const { features } of steps) {
    for (const [at, value] of features.entries()) {
      square[at % width] = (square[at % width] ?? 0) + (value - (mean[at % width] ?? 0)) ** 2;
    }
  }
  return { mean, deviation: square.map((sum) => Math.sqrt(sum / rows) + leastDeviation) };
}

/** Features as deviations from the mean: what the network learns on. */
export function scaled(examples: Examples, { mean, deviation }: Scale): Examples {
  const { width } = examples;
  const features = examples.features.map(
    (value, at) => (value - (mean[at % width] ?? 0)) / (deviation[at % width] ?? 1),
  );
  return { ...examples, features };
}
