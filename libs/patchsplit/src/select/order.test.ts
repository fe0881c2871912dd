import { parseMail } from '../candidates/parse-mail.js';
import type { Candidate } from '../candidates/candidate.js';
import { type Choice, choose } from './choose.js';
import { LineShifts } from './line-shifts.js';
import { orderChoices } from './order.js';

const idOf = (digit: number): string => digit.toString(16).repeat(40);

/** A commit that replaces a line of one hundred; `at` is where its author's file has it. */
function edit(digit: number, subject: string, { at, day, body = '', more = 0 }: Edit): Candidate {
  const added = Array.from({ length: 1 + more }, (_, next) => `+made_by(${digit}, ${next});\n`).join('');
  return parseMail(
    `From ${idOf(digit)} Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nDate: ${day} Jan 2026 00:00:00 +0000\n` +
      `Subject: [PATCH] ${subject}\n\n${body}\n---\ndiff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n` +
      `@@ -${at},1 +${at},${1 + more} @@\n-line_of(${digit});\n${added}`,
  );
}

interface Edit {
  readonly at: number;
  readonly day: number;
  readonly body?: string;
  /** Lines by which the file grows. */
  readonly more?: number;
}

const base = Array.from({ length: 200 }, (_, at) => (at % 10 === 0 ? `line_of(${at / 10});\n` : `step(${at});\n`));
const evidence = { share: 1, hits: 9, total: 9 };

function orderOf(
  candidates: readonly Candidate[],
  listed: readonly string[],
  countInBase: (path: string, key: string) => number = () => 0,
): (string | undefined)[] {
  const items = listed.map((subject) => ({
    subject,
    version: '2',
    at: '2026-01-31T00:00:00Z',
    author: { name: 'V', email: 'v@example.org' },
    cves: [],
  }));
  const choices: Choice[] = choose(
    candidates.map((candidate) => ({ candidate, evidence })),
    items,
  );
  const shifts = new LineShifts((path) => (path === 'a.c' ? base : undefined));
  return orderChoices(choices, countInBase, shifts).map(({ candidate }) => candidate.id?.slice(0, 1));
}

test('what the changelog does not list stands where its line numbers fit, whatever its date', () => {
  const digits = Array.from({ length: 12 }, (_, at) => at + 1);
  // Each makes the file ten lines longer above the next one: so the numbers of those below count the ones before.
  const told = digits.map((digit) =>
    edit(digit, `step ${digit}`, { at: 1 + digit * 10 + (digit - 1) * 10, day: digit + 10, more: 10 }),
  );
  const listed = digits.map((digit) => `step ${digit}`);
  const afterThree = edit(15, 'late', { at: 1 + 150 + 30, day: 1 });
  expect(orderOf([...told, afterThree], listed).join('')).toBe('123f456789abc');
  // Numbers that nothing bears out say nothing: the date does.
  const untold = digits.map((digit) => edit(digit, `step ${digit}`, { at: 1 + digit * 10, day: digit + 10, more: 10 }));
  expect(orderOf([...untold, afterThree], listed).join('')).toBe('f123456789abc');
});

test('what was reverted and landed again is there twice, on either side of its revert', () => {
  const first = edit(1, 'net: leap', { at: 11, day: 3 });
  const revert = edit(2, 'Revert "net: leap"', { at: 21, day: 5, body: `This reverts commit ${idOf(1)}.\n` });
  const again = edit(3, 'net: leap', { at: 31, day: 3 });
  expect(orderOf([again, revert, first], ['Revert "net: leap"', 'net: leap'])).toEqual(['1', '2', '3']);
  const other = edit(2, 'net: other', { at: 21, day: 5 });
  expect(orderOf([again, other, first], ['net: other', 'net: leap'])).toHaveLength(3);
});

test('a line that the base has several times says nothing of who comes first, and those placed first are placed again', () => {
  const told = edit(1, 'told', { at: 1, day: 10 });
  const late = edit(2, 'late', { at: 11, day: 20 });
  // It removes a line beside which the last one stands: which of several such lines, nobody knows.
  const early = withContext(edit(3, 'early', { at: 21, day: 5 }), '-', 'shared_line();\n');
  const last = withContext(late, ' ', 'shared_line();\n');
  const items = ['told', 'late'];
  expect(orderOf([told, last, early], items, () => 2)).toEqual(['3', '1', '2']);
  expect(orderOf([told, last, early], items, (_, key) => (key === 'shared_line();' ? 1 : 0))).toEqual(['1', '2', '3']);
});

function withContext(candidate: Candidate, sign: string, line: string): Candidate {
  const [file] = candidate.files;
  const [hunk] = file?.hunks ?? [];
  if (!file || !hunk) throw new Error('no hunk');
  const more = { ...hunk, signs: hunk.signs + sign, lines: [...hunk.lines, line] };
  return { ...candidate, files: [{ ...file, hunks: [more] }] };
}
