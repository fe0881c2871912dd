import type { HunkWords } from './hunk-words.js';
import { companyIn, type Pair } from './pairs.js';

/** How sure it is whose a hunk is. */
export interface Belief {
  /** For each of the hunk's pairs, 0…1. */
  readonly of: Float64Array;
  /** That it is nobody's of them. */
  readonly none: number;
}

/** What features tell: a network of one hidden layer, fitted on steps whose commits are known (ADR 14). */
export interface Weights {
  /** Linear part, by the pairs' features. */
  readonly pair: readonly number[];
  /** One row a hidden unit, by the pairs' features. */
  readonly hidden: readonly (readonly number[])[];
  readonly bias: readonly number[];
  /** What each hidden unit counts. */
  readonly out: readonly number[];
  /** By what `noneOf` gives. */
  readonly none: readonly number[];
}

/**
 * What speaks for none of the subjects: a constant, a whole file, how many subjects there are, how long it is, and the best of them; in a
 * later look what was believed of it and of the hunks around it, too.
 */
export function noneOf(
  { size }: HunkWords,
  pairs: readonly Pair[],
  whole: boolean,
  before: readonly number[] = [],
): number[] {
  const text = Math.max(0, ...pairs.map((pair) => pair.text));
  const path = Math.max(0, ...pairs.map(({ features }) => features[0] ?? 0));
  const company = Math.max(-3, ...pairs.map(companyIn));
  return [
    1,
    whole ? 1 : 0,
    Math.log(1 + pairs.length),
    Math.log(1 + size),
    Math.min(15, text),
    path,
    company,
    ...before,
  ];
}

/** Shares out one hunk: softmax over its pairs and none of them. */
export function believe(pairs: readonly Pair[], none: readonly number[], weights: Weights): Belief {
  const scores = Float64Array.from(pairs, ({ features }) => scoreOf(features, weights));
  const nobody = dot(none, weights.none);
  const most = Math.max(nobody, ...scores);
  let sum = Math.exp(nobody - most);
  for (const [place, score] of scores.entries()) sum += scores[place] = Math.exp(score - most);
  for (const [place, score] of scores.entries()) scores[place] = score / sum;
  return { of: scores, none: Math.exp(nobody - most) / sum };
}

function scoreOf(features: Float64Array, { pair, hidden, bias, out }: Weights): number {
  let sum = dot(features, pair);
  for (const [unit, row] of hidden.entries()) {
    const active = (bias[unit] ?? 0) + dot(features, row);
    if (active > 0) sum += active * (out[unit] ?? 0);
  }
  return sum;
}

function dot(features: ArrayLike<number>, weights: readonly number[]): number {
  let sum = 0;
  for (let place = 0; place < weights.length; place++) sum += (weights[place] ?? 0) * (features[place] ?? 0);
  return sum;
}
