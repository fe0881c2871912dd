import fc from 'fast-check';
import type { FileDiff, Hunk } from './diff.js';
import { FileHistory, HistoryError } from './file-history.js';

const text = (...lines: string[]): string => lines.map((line) => `${line}\n`).join('');
const base = text('one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve');
const hunk = (at: number, removed: readonly string[], added: readonly string[]): Hunk => ({
  at,
  removed: removed.map((line) => `${line}\n`),
  added: added.map((line) => `${line}\n`),
  inside: '',
});
const change = (...hunks: Hunk[]): FileDiff => ({ path: 'a.c', kind: 'modified', binary: false, hunks });
const history = (...diffs: FileDiff[]): FileHistory =>
  new FileHistory(
    'a.c',
    base,
    diffs.map((diff, commit) => [commit, diff]),
  );
const footing = (of: FileHistory, commit: number): { needed: number[]; near: number[] } => {
  const { needed, near } = of.footing(commit);
  return { needed: [...needed], near: [...near] };
};

test('a commit that changes what another changed needs it', () => {
  const made = history(change(hunk(5, ['six'], ['6'])), change(hunk(5, ['6'], ['VI'])));
  expect(footing(made, 1)).toEqual({ needed: [0], near: [0] });
  expect(made.content(new Set([0, 1]))).toBe(base.replace('six', 'VI'));
});

test('a commit beside the lines of another needs it; one three lines away is only near', () => {
  const made = history(
    change(hunk(5, ['six'], ['6'])),
    change(hunk(6, [], ['6 1/2'])),
    change(hunk(9, ['nine'], ['9'])),
    change(hunk(12, ['twelve'], ['12'])),
  );
  expect(footing(made, 1)).toEqual({ needed: [0], near: [0] });
  expect(footing(made, 2)).toEqual({ needed: [], near: [1] });
  expect(footing(made, 3)).toEqual({ needed: [], near: [2] });
  expect(made.content(new Set([2]))).toBe(base.replace('nine', '9'));
  expect(made.content(new Set([3]))).toBe(base.replace('twelve', '12'));
});

test('a commit beside lines that another took away needs it', () => {
  const made = history(change(hunk(3, ['four', 'five'], [])), change(hunk(3, [], ['IV'])));
  expect(footing(made, 1).needed).toEqual([0]);
  expect(made.content(new Set([0, 1]))).toBe(base.replace('four\nfive\n', 'IV\n'));
});

test('equal lines elsewhere are never taken for those that a commit was written among', () => {
  const twice = text('{', 'x();', '}', 'a', 'b', 'c', 'd', 'e', '{', 'x();', '}');
  const second = change(hunk(12, ['x();'], ['y();']));
  const made = new FileHistory('a.c', twice, [
    [0, change(hunk(0, [], ['new', 'lines', 'above']))],
    [1, second],
  ]);
  expect(footing(made, 1)).toEqual({ needed: [], near: [] });
  expect(made.content(new Set([1]))).toBe(text('{', 'x();', '}', 'a', 'b', 'c', 'd', 'e', '{', 'y();', '}'));
});

test('a file that a commit brings is needed by all that change it, and gone without it', () => {
  const made = new FileHistory('new.h', undefined, [
    [3, { path: 'new.h', kind: 'added', binary: false, hunks: [hunk(0, [], ['a', 'b', 'c', 'd', 'e'])] }],
    [5, change(hunk(4, ['e'], ['E']))],
    [7, { path: 'new.h', kind: 'deleted', binary: false, hunks: [hunk(0, ['a', 'b', 'c', 'd', 'E'], [])] }],
  ]);
  expect(footing(made, 5).needed).toEqual([3]);
  expect(made.content(new Set([5]))).toBeUndefined();
  expect(made.content(new Set([3, 5]))).toBe(text('a', 'b', 'c', 'd', 'E'));
  expect(footing(made, 7).needed.sort((a, b) => a - b)).toEqual([3, 5]);
  expect(made.content(new Set([3, 5, 7]))).toBeUndefined();
});

test('commits that change the same function share it, however far apart', () => {
  const code = text(
    'int first(int a,',
    '\t  int b)',
    '{',
    'out:',
    ...'123456789'.split(''),
    '}',
    'int second(void)',
    '{',
    '\tx();',
    '}',
    '',
    '',
  );
  const made = new FileHistory('a.c', code, [
    [0, change(hunk(4, ['1'], ['one']))],
    [1, change(hunk(12, ['9'], ['nine']))],
    [2, change(hunk(16, ['\tx();'], ['\ty();']))],
    [3, change(hunk(18, [''], ['int third(void);']))],
    [4, change(hunk(1, ['\t  int b)'], ['\t  long b)']))],
  ]);
  expect([0, 1, 2, 3, 4].map((commit) => [...made.footing(commit).sharing].sort((a, b) => a - b))).toEqual([
    [1, 4],
    [0, 4],
    [],
    [],
    [0, 1],
  ]);
});

test.each([
  ['lines that the file doesn’t have', [change(hunk(0, ['zero'], []))]],
  ['a place past its end', [change(hunk(40, [], ['more']))]],
  ['bytes that are no text', [{ ...change(), binary: true }]],
  ['a file that comes twice', [{ ...change(), kind: 'added' as const }]],
])('%s: no history', (_what, diffs) => {
  expect(() => history(...diffs)).toThrow(HistoryError);
});

test('every version of a file follows from the base and the commits up to it', () => {
  const edit = fc.tuple(fc.nat(), fc.nat(3), fc.array(fc.constantFrom('a', 'b', '}'), { maxLength: 3 }));
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 12 }), (edits) => {
      let now = base.split('\n').slice(0, -1);
      const versions: string[] = [];
      const diffs = edits.map(([where, count, added]) => {
        const at = where % (now.length + 1);
        const removed = now.slice(at, at + count);
        now = [...now.slice(0, at), ...added, ...now.slice(at + removed.length)];
        versions.push(text(...now));
        return change(hunk(at, removed, added));
      });
      const made = history(...diffs);
      expect(made.content(new Set())).toBe(base);
      expect(rebuilt(base, made, versions.at(-1) ?? base)).toBe(versions.at(-1) ?? base);
      for (const [commit, version] of versions.entries()) {
        expect(made.content(new Set(Array.from({ length: commit + 1 }, (_, i) => i)))).toBe(version);
      }
    }),
  );
});

/** The last version, by the net hunks' ranges alone. */
function rebuilt(before: string, made: FileHistory, after: string): string {
  const [old, fresh] = [before, after].map((one) => one.match(/[^\n]*\n/g) ?? []);
  const lines: string[] = [];
  let next = 0;
  for (const { from, to } of made.netHunks()) {
    const at = from.count === 0 ? from.start : from.start - 1;
    const into = to.count === 0 ? to.start : to.start - 1;
    lines.push(...(old ?? []).slice(next, at));
    expect(lines).toHaveLength(into);
    lines.push(...(fresh ?? []).slice(into, into + to.count));
    next = at + from.count;
  }
  return [...lines, ...(old ?? []).slice(next)].join('');
}

test('each net hunk says whose its lines are; what came and went in between has none', () => {
  const made = history(
    change(hunk(1, ['two'], ['2', 'extra']), hunk(8, ['nine'], [])),
    change(hunk(2, ['extra'], [])),
    change(hunk(2, ['three'], ['3']), hunk(10, [], ['eleven and a half'])),
  );
  expect(made.netHunks()).toEqual([
    {
      from: { start: 2, count: 2 },
      to: { start: 2, count: 2 },
      edits: [
        { commit: 0, hunk: 0 },
        { commit: 2, hunk: 0 },
      ],
    },
    { from: { start: 9, count: 1 }, to: { start: 8, count: 0 }, edits: [{ commit: 0, hunk: 1 }] },
    { from: { start: 11, count: 0 }, to: { start: 11, count: 1 }, edits: [{ commit: 2, hunk: 1 }] },
  ]);
});

test('each line that one of the versions alone has is somebody’s; one that came and went is in neither', () => {
  const { taken, brought } = history(
    change(hunk(0, ['one'], ['1', '1 1/2'])),
    change(hunk(1, ['1 1/2'], []), hunk(12, ['twelve'], ['XII', 'XIII'])),
  ).owners();
  expect(taken).toEqual([0, ...Array.from({ length: 10 }), 1]);
  expect(brought).toEqual([0, ...Array.from({ length: 10 }), 1, 1]);
});

test('a file may come with more lines than a call takes arguments', () => {
  const many = Array.from({ length: 300_000 }, (_, at) => `${at}`);
  const made = new FileHistory('big.h', undefined, [
    [0, { path: 'big.h', kind: 'added', binary: false, hunks: [hunk(0, [], many)] }],
  ]);
  expect(made.content(new Set([0]))).toBe(many.map((line) => `${line}\n`).join(''));
});
