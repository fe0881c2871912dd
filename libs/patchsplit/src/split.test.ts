import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type GitId, seriesSchema } from '#libs/contracts';
import { run } from '#libs/process';
import { GitTreeStore, type TreeMode, type TreeStore } from '#libs/trees';
import type { StepItem } from './changelog/changelog.js';
import { deltaOf } from './hunks/delta.js';
import { diffLines } from './hunks/line-diff.js';
import { bytesOf, linesOf } from './hunks/lines.js';
import { splitTrees } from './split.js';
import { compose } from './weave/compose.js';

interface File {
  readonly mode: TreeMode;
  readonly content: Buffer;
}
type Files = Readonly<Record<string, File>>;

const root = { author: { name: 'R', email: 'r@example.org', at: new Date('2026-01-01T00:00:00Z') }, message: 'base\n' };
const item = (subject: string, ...cves: string[]): StepItem => ({
  subject,
  cves,
  version: '2-1',
  at: '2026-11-16T00:00:00.000Z',
  author: { name: 'Ä. Author', email: 'a@example.org' },
});

const words = [
  'a\n',
  'b\n',
  '\tfoo_bar();\n',
  '}\n',
  '{\n',
  'int foo_bar(void)\n',
  'int baz(void)\n',
  '\n',
  '\u00e4\r\n',
];
const text = fc
  .array(fc.constantFrom(...words), { maxLength: 40 })
  .chain((lines) => fc.constantFrom('', 'no end').map((end) => Buffer.from(lines.join('') + end, 'latin1')));
const content = fc.oneof({ weight: 8, arbitrary: text }, { weight: 1, arbitrary: fc.constant(Buffer.from([0, 1, 2])) });
const mode = fc.oneof(
  { weight: 8, arbitrary: fc.constant<TreeMode>('100644') },
  { weight: 1, arbitrary: fc.constant<TreeMode>('100755') },
);
const paths = ['fs/foo/bar.c', 'fs/foo/baz.c', 'net/core/foo.c', 'include/linux/foo.h', 'Makefile'];
const tree = fc.dictionary(fc.constantFrom(...paths), fc.record({ mode, content }), { minKeys: 1 });
const subjects = fc.array(
  fc.constantFrom(
    'foo: bar: fix foo_bar()',
    'net: foo: fix baz()',
    'fs: foo: bar',
    'core: x',
    'Revert "foo: bar: fix foo_bar()"',
  ),
  { maxLength: 5 },
);

describe('lines', () => {
  test('any choice of hunks composes; none is the old file, all are the new one', () => {
    fc.assert(
      fc.property(text, text, fc.nat(), (before, after, choice) => {
        const old = linesOf(before) ?? [];
        const fresh = linesOf(after) ?? [];
        const { hunks } = deltaOf('x.c', { mode: '100644', lines: old }, { mode: '100644', lines: fresh });
        expect(bytesOf(compose(old, hunks)).equals(after)).toBe(true);
        expect(bytesOf(compose(old, [])).equals(before)).toBe(true);
        const some = hunks.filter((_, place) => (choice >> (place % 30)) & 1);
        const grown = some.reduce((sum, { added, removed }) => sum + added.length - removed.length, 0);
        expect(compose(old, some)).toHaveLength(old.length + grown);
      }),
      { numRuns: 500 },
    );
  });

  test('the diff is a shortest one, and of equal files empty', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 12 }), fc.array(fc.nat(3), { maxLength: 12 }), (a, b) => {
        const [old, fresh] = [a.map(String), b.map(String)];
        const edits = diffLines(old, fresh);
        const cost = edits.reduce((sum, { removed, added }) => sum + removed + added, 0);
        expect(cost).toBe(old.length + fresh.length - 2 * longestCommon(old, fresh));
        expect(diffLines(old, old)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('files that have nothing in common are one hunk, soon', () => {
    expect(diffLines(many('a'), many('b'))).toEqual([{ at: 0, removed: 20_000, to: 0, added: 20_000 }]);
  });
});

const many = (prefix: string): string[] => Array.from({ length: 20_000 }, (_, at) => `${prefix}${at}\n`);
const file = (source: string): File => ({ mode: '100644', content: Buffer.from(source) });

function longestCommon(a: readonly string[], b: readonly string[]): number {
  let row = b.map(() => 0);
  for (const x of a) {
    let diagonal = 0;
    let left = 0;
    row = row.map((up, at) => {
      left = x === b[at] ? diagonal + 1 : Math.max(up, left);
      diagonal = up;
      return left;
    });
  }
  return row.at(-1) ?? 0;
}

describe('a series in a real git repository', () => {
  let folder: string;
  let trees: TreeStore;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'patchsplit-'));
    trees = new GitTreeStore(join(folder, 'repo'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const write = async (files: Files): Promise<GitId> => {
    const writer = await trees.writeTree();
    for (const [path, file] of Object.entries(files)) await writer.add(path, file.mode, file.content);
    return (await writer.finish()).tree;
  };

  const messageOf = async (id = ''): Promise<string> => {
    const args = ['-C', join(folder, 'repo'), 'log', '-1', '--format=%an|%ae|%aI|%B', id];
    const { stdout } = await run('git', args, { env: { PATH: '/usr/bin:/bin' }, timeoutMs: 10_000 });
    return stdout.toString();
  };

  test('whatever changed and whatever the changelog says, the series rebuilds the target', async () => {
    await fc.assert(
      fc.asyncProperty(tree, tree, subjects, async (before, after, listed) => {
        const base = await write(before);
        const target = await write(after);
        const { series, commits, counts, proof } = await splitTrees({
          trees,
          base,
          target,
          changelog: listed.map((subject) => item(subject)),
          root,
        });
        expect(proof).toEqual({ baseTree: base, targetTree: target, replayedTree: target });
        expect(commits[0]?.tree).toBe(base);
        expect(seriesSchema.parse(series)).toEqual(series);
        expect(series.commits.map(({ parent }) => parent)).toEqual(commits.slice(0, -1).map(({ commit }) => commit));
        expect(counts.attributed + counts.remainders).toBe(counts.commits);
        if (base === target) expect(series.commits).toEqual([]);
      }),
      { numRuns: 15 },
    );
  }, 120_000);

  test('messages carry the entry, its CVE ids and the confidence; the same input gives the same commits', async () => {
    const body = Array.from({ length: 30 }, (_, at) => `\tstep(${at});\n`).join('');
    const before = `int qq100_probe(void)\n{\n${body}}\n`;
    const rest = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`net/n${at}/x.c`, file('old();\n')]));
    const news = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`net/n${at}/x.c`, file('new();\n')]));
    const base = await write({ 'fs/qq100.c': file(before), ...rest });
    const target = await write({ 'fs/qq100.c': file(before.replace('step(7)', 'leap(7)')), ...news });
    const input = { trees, base, target, root, changelog: [item('fs: qq100: leap in qq100_probe()', 'CVE-2026-1')] };
    const first = await splitTrees(input);
    const second = await splitTrees(input);
    expect(second).toEqual(first);
    const [commit] = first.series.commits;
    expect(commit).toMatchObject({ kind: 'attributed', paths: ['fs/qq100.c'], insertions: 1, deletions: 1 });
    expect(await messageOf(commit?.commit)).toBe(
      `Ä. Author|a@example.org|2026-11-16T00:00:00+00:00|fs: qq100: leap in qq100_probe()\n\n` +
        `Changelog-entry: fs: qq100: leap in qq100_probe() (2-1)\nCVE: CVE-2026-1\nConfidence: ${commit?.confidence.toFixed(3)}\n\n`,
    );
    expect(await messageOf(first.series.commits.at(-1)?.commit)).toContain('Remainder: net/n');
  });
});
