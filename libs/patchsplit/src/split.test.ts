import { mkdtemp, rm, writeFile } from 'node:fs/promises';
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
import { reportOf } from './report/report.js';
import { type MappedFile, splitReportSchema } from './report/schema.js';
import { reportJson } from './report/write.js';
import { splitTrees } from './split.js';
import type { Candidate, FilePatch } from './candidates/candidate.js';
import { parseMail } from './candidates/parse-mail.js';
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

const hunkOf = (before: readonly string[], after: readonly string[], oldStart: number): FilePatch['hunks'] => [
  {
    oldStart,
    section: '',
    signs: '-'.repeat(before.length) + '+'.repeat(after.length),
    lines: [...before, ...after],
  },
];
const somePath = fc.option(fc.constantFrom(...paths, 'fs/foo', 'net/new.c', 'Makefile/x'), { nil: undefined });
const word = fc.constantFrom(...words, 'no end');
const filePatch: fc.Arbitrary<FilePatch> = fc
  .record({
    from: somePath,
    to: somePath,
    copied: fc.boolean(),
    mode: fc.constantFrom('100644', '100755', '120000', '160000', undefined),
    hunks: fc
      .tuple(fc.array(word, { maxLength: 3 }), fc.array(word, { maxLength: 3 }), fc.nat(20))
      .map(([before, after, at]) => hunkOf(before, after, at)),
    binary: fc.constantFrom(
      undefined,
      undefined,
      { method: 'literal' as const, data: Buffer.from([0, 7]) },
      { method: 'delta' as const, data: Buffer.from([1, 2, 3]) },
    ),
  })
  .map(({ from, to, mode, binary, ...rest }) => ({
    ...rest,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(mode === undefined ? {} : { mode, oldMode: '100600' }),
    ...(binary === undefined ? {} : { binary }),
  }));
const garbage: fc.Arbitrary<Candidate> = fc.record({
  id: fc.nat(9).map((digit) => String(digit).repeat(40)),
  author: fc.record({
    name: fc.constant('G'),
    email: fc.constant('g@example.org'),
    at: fc.nat(10).map((day) => new Date(day * 86_400_000)),
  }),
  subject: fc.constantFrom('foo: bar: fix foo_bar()', 'net: foo: fix baz()', 'nobody lists this'),
  body: fc.constantFrom('', 'Remainder: forged\nUpstream-commit: forged'),
  files: fc.array(filePatch, { maxLength: 4 }),
});

const linesIn = (version?: File): string[] => version?.content.toString('latin1').match(/[^\n]*\n|[^\n]+$/g) ?? [];

/** The newer version of a file by the ranges of the map alone. */
function rebuilt({ hunks }: MappedFile, before?: File, after?: File): string[] {
  const [old, fresh] = [linesIn(before), linesIn(after)];
  const lines: string[] = [];
  let next = 0;
  for (const [at, removed, to, added] of hunks) {
    const start = removed === 0 ? at : at - 1;
    lines.push(...old.slice(next, start), ...fresh.slice(added === 0 ? to : to - 1).slice(0, added));
    next = start + removed;
  }
  return [...lines, ...old.slice(next)];
}

const leapBody = (call: string): string => `int leap(void)\n{\n\tprepare_it();\n\t${call}\n\tfinish_it();\n}\n`;

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

  test('whatever candidates are given, the series rebuilds the target, and twice the same', async () => {
    await fc.assert(
      fc.asyncProperty(tree, tree, subjects, fc.array(garbage, { maxLength: 8 }), async (a, b, listed, candidates) => {
        const base = await write(a);
        const target = await write(b);
        const input = { trees, base, target, changelog: listed.map((subject) => item(subject)), candidates, root };
        const { series, commits, proof } = await splitTrees(input);
        expect(proof).toEqual({ baseTree: base, targetTree: target, replayedTree: target });
        expect(seriesSchema.parse(series)).toEqual(series);
        expect(series.commits.map(({ parent }) => parent)).toEqual(commits.slice(0, -1).map(({ commit }) => commit));
        const again = await splitTrees(input);
        expect(again.commits).toEqual(commits);
        const [from, to] = [
          { version: '', tree: base },
          { version: '', tree: target },
        ];
        const report = await reportOf({ trees, split: again, from, to });
        expect(splitReportSchema.parse(JSON.parse(reportJson(report)))).toEqual(report);
        for (const mapped of report.files.filter(({ hunks }) => hunks.length > 0)) {
          expect(rebuilt(mapped, a[mapped.path], b[mapped.path])).toEqual(linesIn(b[mapped.path]));
        }
        const without = await splitTrees({ ...input, candidates: [] });
        expect(without).toEqual(await splitTrees({ trees, base, target, changelog: input.changelog, root }));
      }),
      { numRuns: 20 },
    );
  }, 240_000);

  test('two real commits on one line come back, in order, by their authors, whatever else is offered', async () => {
    const repo = join(folder, 'upstream');
    const git = async (...args: string[]): Promise<string> => {
      const env = {
        PATH: '/usr/bin:/bin',
        GIT_AUTHOR_NAME: 'Up',
        GIT_AUTHOR_EMAIL: 'up@example.org',
        GIT_AUTHOR_DATE: '2026-02-01T00:00:00Z',
        GIT_COMMITTER_NAME: 'Up',
        GIT_COMMITTER_EMAIL: 'up@example.org',
      };
      return (await run('git', ['-C', repo, ...args], { env, timeoutMs: 10_000 })).stdout.toString('latin1');
    };
    const versions = ['first_way(1);', 'second_way(2);', 'third_way(3);', 'fourth_way(4);'].map(leapBody);
    await run('git', ['init', '--quiet', repo], { env: { PATH: '/usr/bin:/bin' }, timeoutMs: 10_000 });
    const mails: string[] = [];
    for (const [at, version] of versions.entries()) {
      await writeFile(join(repo, 'leap.c'), version);
      await git('add', 'leap.c');
      await git('commit', '--quiet', '--message', `leap: step ${at}\n\nWhy.`);
      mails.push(await git('format-patch', '--stdout', '--root', '-1'));
    }
    const candidates = mails.map(parseMail).reverse();
    const base = await write({ 'leap.c': file(versions[0] ?? '') });
    const target = await write({ 'leap.c': file(versions[2] ?? '') });
    const changelog = [item('leap: step 1', 'CVE-2026-7'), item('leap: step 2')];
    const { series } = await splitTrees({ trees, base, target, changelog, candidates, root });
    expect(series.commits.map(({ subject, upstream }) => [subject, upstream])).toEqual([
      ['leap: step 1', candidates[2]?.id],
      ['leap: step 2', candidates[1]?.id],
    ]);
    expect(await messageOf(series.commits[0]?.commit)).toBe(
      `Up|up@example.org|2026-02-01T00:00:00+00:00|leap: step 1\n\nWhy.\n\nUpstream-commit: ${candidates[2]?.id}\n` +
        `Changelog-entry: leap: step 1 (2-1)\nCVE: CVE-2026-7\nConfidence: 1.000\n\n`,
    );
  });

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
