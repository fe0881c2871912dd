import type { Candidate } from '../candidates/candidate.js';
import { baseLabel } from '../weave/line-weave.js';
import { reconstruct, type Versions } from './reconstruct.js';
import { StepBudget } from './step-budget.js';

const hunks = 2500;
/** A catalogue of messages: one line in four tells it from its neighbours, and the others are everywhere. */
const catalogue = (wordOf: (at: number) => string): string[] =>
  Array.from({ length: hunks }, (_, at) => [
    `msgid "message ${at}"\n`,
    `msgstr "${wordOf(at)}"\n`,
    '#, c-format\n',
    '\n',
  ]).flat();
const before = catalogue((at) => `old word ${at % 7}`);
const after = catalogue((at) => (at % 2 === 0 ? `new word ${at % 5}` : `old word ${at % 7}`));
const versionOf = (lines: readonly string[]) => ({ mode: '100644' as const, content: Buffer.from(lines.join('')) });
const versions: Versions = {
  base: new Map([
    ['po/de.po', versionOf(before)],
    ['main.c', versionOf(['int old_main(void);\n'])],
  ]),
  target: new Map([
    ['po/de.po', versionOf(after)],
    ['main.c', versionOf(['int new_main(void);\n'])],
  ]),
};

/** Upstream has other words at every place, so that each hunk is searched for, at each fuzz, and rejected or amended. */
const upstream: Candidate = {
  id: '1'.repeat(40),
  author: { name: 'U', email: 'u@example.org', at: new Date(0) },
  subject: 'translate',
  body: '',
  files: [
    {
      from: 'po/de.po',
      to: 'po/de.po',
      copied: false,
      hunks: Array.from({ length: hunks / 2 }, (_, half) => ({
        oldStart: 1,
        section: '',
        signs: ' -+ ',
        lines: [
          '#, c-format\n',
          `msgstr "old word ${(half * 2) % 7}"\n`,
          `msgstr "new word ${(half * 2) % 5} of upstream"\n`,
          '#, c-format\n',
        ],
      })),
    },
    {
      from: 'main.c',
      to: 'main.c',
      copied: false,
      hunks: [{ oldStart: 1, section: '', signs: '-+', lines: ['int old_main(void);\n', 'int new_main(void);\n'] }],
    },
  ],
};
const listed = [
  { subject: 'translate', cves: [], version: '2', at: '2026-01-01T00:00:00.000Z', author: upstream.author },
];

test('thousands of changes that are nearly alike stay within the budget, and the weave ends in the target', () => {
  const { commits, lineages, notices } = reconstruct(versions, [upstream], listed);
  expect(notices).toEqual([]);
  expect(commits).toHaveLength(1);
  for (const { weave, lastPath = '' } of lineages) {
    expect(Buffer.from(weave.versionAt(baseLabel).join(''))).toEqual(versions.base.get(lastPath)?.content);
    expect(Buffer.from(weave.versionAt(1).join(''))).toEqual(versions.target.get(lastPath)?.content);
  }
});

test('a file on which the budget ends is left out as a whole and named; the others are not', () => {
  const bounds = { search: 50_000, likeness: 1_000, order: 1e6 };
  const { lineages, notices } = reconstruct(versions, [upstream], listed, new StepBudget(bounds));
  expect(notices[0]).toBe("po/de.po: too much to search; no candidate's changes to it were used, only the changelog");
  const [catalogueFile, main] = ['po/de.po', 'main.c'].map((path) =>
    lineages.find(({ lastPath }) => lastPath === path),
  );
  expect(catalogueFile?.labels()).toEqual([1]);
  expect(main?.labels()).toEqual([0]);
});

const small: Versions = {
  base: new Map([['po/de.po', versionOf(before.slice(0, 2000))]]),
  target: new Map([['po/de.po', versionOf(after.slice(0, 2000))]]),
};

/** The same where each hunk finds its place, so that the vendor's words stand where upstream's were. */
const fitting: Candidate = {
  ...upstream,
  files: upstream.files.slice(0, 1).map((patch) => ({
    ...patch,
    hunks: patch.hunks.slice(0, 250).map((hunk, half) => ({
      ...hunk,
      oldStart: half * 8 + 1,
      lines: [`msgid "message ${half * 2}"\n`, ...hunk.lines.slice(1)],
    })),
  })),
};

const once = () => {
  const bounds = { search: 1e9, likeness: 200, order: 1e6 };
  const { lineages, notices } = reconstruct(small, [fitting], listed, new StepBudget(bounds));
  return { notices, lines: lineages.map(({ weave }) => [...weave].map(({ birth, death }) => [birth, death])) };
};

test('the budget of likeness ends by steps: twice the same labels', () => {
  const first = once();
  expect(first.notices.join()).toContain('po/de.po: too much to compare');
  expect(once()).toEqual(first);
});

test('too many commits to order are told of, and the rest stands by its dates', () => {
  const digits = [1, 2, 3];
  const steps = digits.map((digit): Candidate => ({
    ...upstream,
    id: String(digit).repeat(40),
    subject: `step ${digit}`,
    author: { ...upstream.author, at: new Date(digit * 1000) },
    files: [
      {
        from: `${digit}.c`,
        to: `${digit}.c`,
        copied: false,
        hunks: [{ oldStart: 1, section: '', signs: '-+', lines: ['int old_main(void);\n', 'int new_main(void);\n'] }],
      },
    ],
  }));
  const treeOf = (line: string): Versions['base'] =>
    new Map(digits.map((digit) => [`${digit}.c`, versionOf([line])] as const));
  const trees: Versions = { base: treeOf('int old_main(void);\n'), target: treeOf('int new_main(void);\n') };
  const splitIn = (order: number) =>
    reconstruct(trees, steps.toReversed(), [], new StepBudget({ search: 1e9, likeness: 1e6, order }));
  const { commits, notices } = splitIn(1);
  expect(commits.map(({ choice }) => choice.candidate.subject)).toEqual(['step 1', 'step 2', 'step 3']);
  expect(notices).toEqual(['too many commits to order: some that the changelog does not list stand by their dates']);
  expect(splitIn(100).notices).toEqual([]);
});
