import fc from 'fast-check';
import { diffLines } from './line-diff.js';

const lines = (letters: string): string[] => letters.split('').map((letter) => `${letter}\n`);

/** Length of the longest common subsequence, by the table that every textbook has. */
function longestCommon(before: readonly string[], after: readonly string[]): number {
  let row = after.map(() => 0);
  for (const line of before) {
    const next: number[] = [];
    for (const [at, other] of after.entries()) {
      next.push(line === other ? (row[at - 1] ?? 0) + 1 : Math.max(next[at - 1] ?? 0, row[at] ?? 0));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

test('the edits make one of the other, keep as much as can be kept, and never touch', () => {
  const text = fc.array(fc.constantFrom(...lines('abcde')), { maxLength: 40 });
  fc.assert(
    fc.property(text, text, (before, after) => {
      const made: string[] = [];
      let next = 0;
      let kept = 0;
      for (const { at, removed, to, added } of diffLines(before, after)) {
        if (next > 0) expect(at).toBeGreaterThan(next);
        kept += at - next;
        made.push(...before.slice(next, at), ...after.slice(to, to + added));
        expect(made).toHaveLength(to + added);
        next = at + removed;
      }
      expect([...made, ...before.slice(next)]).toEqual(after);
      expect(kept + before.length - next).toBe(longestCommon(before, after));
    }),
    { numRuns: 2000 },
  );
});

test('files past thousands of edits are still compared, and not replaced as a whole', () => {
  const before = Array.from({ length: 20_000 }, (_, at) => `line ${at}\n`);
  const after = before.map((line, at) => (at % 4 === 0 ? `new ${line}` : line));
  const edits = diffLines(before, after);
  expect(edits).toHaveLength(5000);
  expect(edits.every(({ removed, added }) => removed === 1 && added === 1)).toBe(true);
});

test('what is too far apart is divided early, and the edits still make one of the other', () => {
  const before = Array.from({ length: 3000 }, (_, at) => `${at}\n`);
  const after = [...before.toReversed(), ...before.slice(0, 500)];
  const made: string[] = [];
  let next = 0;
  for (const { at, removed, to, added } of diffLines(before, after)) {
    made.push(...before.slice(next, at), ...after.slice(to, to + added));
    next = at + removed;
  }
  expect([...made, ...before.slice(next)]).toEqual(after);
});
