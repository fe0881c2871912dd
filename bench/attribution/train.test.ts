import { fittedLooks, type Weights } from '#libs/patchsplit';
import { readFile } from 'node:fs/promises';
import type { Examples } from './examples.js';
import { arraysOf, lossOf, noParameters, type Parameters } from './network.js';
import { train } from './train.js';
import { weightsFile } from './weights-file.js';
import { Random } from '#libs/hostile';

const width = 3;

/**
 * Hunks of one to four pairs. A pair whose first feature is 1 is the true one if its second isn't also 1, which a sum of features can't
 * tell; the third is noise. Where there is none, none is true.
 */
function toy(hunks: number, seed: number): Examples {
  const random = new Random('toy', seed);
  const rows: number[][] = [];
  const starts = [0];
  const answers: number[] = [];
  for (let hunk = 0; hunk < hunks; hunk++) {
    const pairs = Array.from({ length: 1 + random.below(4) }, () => [0, random.below(2), random.below(100) / 10]);
    const chosen = random.below(pairs.length);
    (pairs[chosen] as number[])[0] = 1;
    answers.push(pairs[chosen]?.[1] === 1 ? -1 : chosen);
    rows.push(...pairs);
    starts.push(rows.length);
  }
  return {
    hunks,
    width,
    noneWidth: 1,
    features: Float32Array.from(rows.flat()),
    starts: Int32Array.from(starts),
    none: new Float32Array(hunks).fill(1),
    answers: Int32Array.from(answers),
    weights: new Float64Array(hunks).fill(1),
  };
}

const everyHunk = ({ hunks }: Examples): number[] => Array.from({ length: hunks }, (_, hunk) => hunk);

/** The network that weights describe, with nothing scaled. */
function networkOf({ pair, hidden, bias, out, none }: Weights): Parameters {
  const parameters = noParameters(hidden.length, pair.length, none.length);
  for (const [part, values] of [hidden.flat(), bias, out, pair, none].entries())
    arraysOf(parameters)[part]?.set(values);
  return parameters;
}

test('the gradient is what the loss does when each parameter is moved a little', () => {
  const examples = toy(40, 1);
  examples.weights[3] = 2.5;
  examples.weights[4] = 0;
  const parameters = noParameters(4, width, 1);
  const random = new Random('parameters');
  for (const array of arraysOf(parameters)) for (const at of array.keys()) array[at] = random.below(1000) / 500 - 1;
  const gradient = noParameters(4, width, 1);
  const batch = everyHunk(examples);
  lossOf(parameters, examples, batch, gradient);
  const little = 1e-6;
  for (const [part, array] of arraysOf(parameters).entries()) {
    for (const [at, value] of array.entries()) {
      array[at] = value + little;
      const above = lossOf(parameters, examples, batch);
      array[at] = value - little;
      const below = lossOf(parameters, examples, batch);
      array[at] = value;
      expect(arraysOf(gradient)[part]?.[at]).toBeCloseTo((above - below) / (2 * little), 5);
    }
  }
});

describe('train', () => {
  const training = { seed: 1, passes: 40, units: 6 };

  test('learns what no sum of features tells, and holds for hunks that it wasn’t shown', () => {
    const losses: number[] = [];
    const weights = train([toy(1500, 1), toy(1000, 2)], training, (loss) => losses.push(loss));
    const held = toy(500, 3);
    expect(losses).toHaveLength(training.passes + 1);
    expect(losses[0]).toBeGreaterThan(0.3);
    expect(losses.at(-1)).toBeLessThan(0.05);
    // The weights are for features as they are: their scale is in them.
    expect(lossOf(networkOf(weights), held, everyHunk(held))).toBeLessThan(0.05);
  });

  test('one seed gives one result, another another', () => {
    const short = { ...training, passes: 2 };
    const once = train([toy(300, 1)], short);
    expect(train([toy(300, 1)], short)).toEqual(once);
    expect(train([toy(300, 1)], { ...short, seed: 2 })).not.toEqual(once);
  });

  test('weights have three digits', () => {
    const { pair, hidden, bias, out, none } = train([toy(300, 1)], { ...training, passes: 1 });
    for (const value of [pair, ...hidden, bias, out, none].flat()) expect(Number(value.toPrecision(3))).toBe(value);
  });
});

test('the program’s weights are written as the file that they are read from', async () => {
  const file = new URL('../../libs/patchsplit/src/evidence/weights.ts', import.meta.url);
  expect(weightsFile(fittedLooks)).toBe(await readFile(file, 'utf8'));
});
