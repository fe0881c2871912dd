import { deltaOf } from '#libs/patchsplit';
import { scoreOf } from './score.js';
import type { Step } from './step.js';

const side = (text: string): { mode: '100644'; lines: string[] } => ({
  mode: '100644',
  lines: text.match(/[^\n]*\n/g) ?? [],
});
const body = (name: string, ...lines: string[]): string =>
  `int ${name}(void)\n{\n${lines.map((line) => `\t${line}\n`).join('')}}\n`;
const subjects = ['alpha: Check the ring in alpha_probe_ring()', 'beta: Release the queue in beta_stop_queue()'];
const files = [
  deltaOf(
    'drivers/alpha.c',
    side(body('alpha_probe_ring', 'return 0;')),
    side(body('alpha_probe_ring', 'if (!ring)', '\treturn 1;', 'return 0;')),
  ),
  deltaOf(
    'drivers/beta.c',
    side(body('beta_stop_queue', 'return 0;')),
    side(body('beta_stop_queue', 'release_queue();', 'return 0;')),
  ),
];
const step = (...truth: Readonly<Record<string, number>>[]): Step => ({
  name: 'toy',
  subjects,
  files,
  truth: truth.map((owners) => new Map(Object.entries(owners))),
});
const [alpha = '', beta = ''] = subjects;

test('all right', () => {
  const { lines, hunks, commits, buckets } = scoreOf(step({ [alpha]: 2 }, { [beta]: 1 }));
  expect(lines).toEqual({ known: 3, claimed: 3, right: 3 });
  expect(hunks).toEqual({ known: 2, claimed: 2, right: 2 });
  expect(commits).toEqual({ known: 2, whole: 2 });
  expect(buckets.map(({ right }) => new Set([right]))).toEqual(buckets.map(() => new Set([1])));
  expect(buckets.reduce((sum, bucket) => sum + bucket.lines, 0)).toBe(3);
  for (const { from, believed } of buckets) expect(Math.floor(believed * 20 + 1e-9) / 20).toBeCloseTo(from, 9);
});

test('what is a commit’s that the changelog doesn’t list is claimed wrongly; half of a hunk isn’t most of it', () => {
  const { lines, hunks, commits } = scoreOf(step({ [alpha]: 1, unlisted: 1 }, { unlisted: 1 }));
  expect(lines).toEqual({ known: 3, claimed: 3, right: 1 });
  expect(hunks).toEqual({ known: 2, claimed: 2, right: 0 });
  expect(commits).toEqual({ known: 2, whole: 1 });
});

test('lines of which nobody knows whose they are don’t count', () => {
  const { lines, hunks } = scoreOf(step({}, { [beta]: 1 }));
  expect(lines).toEqual({ known: 1, claimed: 1, right: 1 });
  expect(hunks).toEqual({ known: 1, claimed: 1, right: 1 });
});

test('without a look nothing is believed, and nothing claimed', () => {
  const { lines, buckets } = scoreOf(step({ [alpha]: 2 }, { [beta]: 1 }), []);
  expect(lines).toEqual({ known: 3, claimed: 0, right: 0 });
  expect(buckets).toEqual([]);
});
