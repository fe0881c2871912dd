import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseDiff } from '#libs/series';
import { SeriesReader, type StoredSeries } from '#libs/trees';
import { type Files, refusalOf, StoreUnderTest } from './under-test.js';

let under: StoreUnderTest;
let series: StoredSeries;
let head: string;
const author = { name: 'A', email: 'a@example.org', at: new Date('2026-11-16T10:17:40Z') };
const put = (files: Readonly<Record<string, string>>) =>
  Object.entries(files).map(([path, text]) => ({
    path,
    after: { mode: '100644' as const, content: Buffer.from(text, 'latin1') },
  }));

beforeAll(async () => {
  under = new StoreUnderTest();
  const base: Files = { 'a.c': 'one\ntwo\nthree\n', 'sub/b.h': 'old\n' };
  const made = await under.store.commitSeries({ author, message: 'base\n', tree: await under.write(base) }, [
    { author, message: 'a: change two\n\nCVE: CVE-2026-1\n', changes: put({ 'a.c': 'one\n2\nthree\n' }) },
    { author, message: 'both\n', changes: put({ 'a.c': 'one\n2\nthree\n\0\xe4\n', 'sub/b.h': 'new\n' }) },
    { author, message: 'sub: changes\n\nRemainder: sub\n', changes: put({ 'sub/c d.c': 'c\n' }) },
  ]);
  head = made.at(-1)?.commit ?? '';
  await under.store.setRef('refs/heads/main', head);
  series = await under.store.series(head);
});
afterAll(async () => {
  await series.close();
  under.remove();
});

test('tells each commit with its subject, paths and label, and the tree that it begins with', async () => {
  expect(series.commits.map(({ subject, paths, remainder }) => [subject, paths, remainder])).toEqual([
    ['a: change two', ['a.c'], undefined],
    ['both', ['a.c', 'sub/b.h'], undefined],
    ['sub: changes', ['sub/c d.c'], 'sub'],
  ]);
  expect(series.baseTree).toBe(under.git('rev-parse', `${head}~3^{tree}`));
  expect(series.commits.map(({ tree }) => tree)).toContain(under.git('rev-parse', `${head}^{tree}`));
});

test('reads files of any tree, many at once', async () => {
  const paths = ['a.c', 'none.c', 'sub', 'sub/b.h', 'odd\nname', ''];
  const found = await Promise.all(paths.map(async (path) => await series.readFile(series.baseTree, path)));
  expect(found.map((one) => one?.toString())).toEqual([
    'one\ntwo\nthree\n',
    undefined,
    undefined,
    'old\n',
    undefined,
    undefined,
  ]);
  expect((await series.readFile(head, 'a.c'))?.toString('latin1')).toBe('one\n2\nthree\n\0\xe4\n');
});

test('goes through all files of a tree that are wanted', async () => {
  const found: string[] = [];
  for await (const { path, content } of series.files(head, (path) => path !== 'a.c'))
    found.push(`${path}: ${content.toString()}`);
  expect(found).toEqual(['sub/b.h: new\n', 'sub/c d.c: c\n']);
});

test('gives what each commit changes, whole or of one file', async () => {
  const [first, second] = series.commits;
  const ofFile = await series.diffs('a.c');
  expect(ofFile.map(({ commit }) => commit)).toEqual([first?.commit, second?.commit]);
  expect(ofFile[0]?.diff.toString()).toContain('@@ -2 +2 @@ one\n-two\n+2\n');
  expect((await series.diffs()).map(({ commit }) => commit)).toEqual(series.commits.map(({ commit }) => commit));
  expect(await series.diffs('none.c')).toEqual([]);
});

test('finds a commit by the beginning of its id', async () => {
  const [first] = series.commits;
  expect(series.commitOf(first?.commit.slice(0, 12) ?? '')).toBe(first?.commit);
  for (const name of ['0000000', '', 'main', '--all']) {
    expect(() => series.commitOf(name)).toThrow(expect.objectContaining({ code: 'commit-not-found' }));
  }
});

test('opens a bare repository and a clone, and nothing else', async () => {
  const clone = join(under.root, 'clone');
  execFileSync('git', ['clone', '--quiet', under.dir, clone], { stdio: 'pipe' });
  for (const folder of [under.dir, clone]) {
    const opened = await SeriesReader.open(folder);
    expect(opened.commits).toEqual(series.commits);
    await opened.close();
  }
  expect((await refusalOf(SeriesReader.open(under.root))).code).toBe('tree-not-found');
  expect((await refusalOf(under.store.series('f'.repeat(40)))).code).toBe('tree-not-found');
});

test('names of any bytes are the same in each place: paths, diffs, files', async () => {
  const other = new StoreUnderTest();
  const names = [
    'fs/\xc3\xa4.c',
    'fs/\xe4 b/x.c',
    'a\tb.c',
    '"quoted".c',
    'back\\slash.c',
    'two\nlines.c',
    'plain b/plain.c',
  ];
  const tree = await other.write(Object.fromEntries(names.map((name) => [name, `${name.length}\n`])));
  const commits = names.map((name) => ({
    author,
    message: 'fs: \u00e4ndert\n',
    changes: put({ [name]: 'changed\n', 'a.c': name }),
  }));
  const made = await other.store.commitSeries({ author, message: 'base\n', tree }, commits);
  const opened = await other.store.series(made.at(-1)?.commit ?? '');
  for (const [place, name] of names.entries()) {
    const entry = opened.commits[place];
    expect([entry?.subject, entry?.paths.toSorted()]).toEqual(['fs: \u00e4ndert', ['a.c', name].toSorted()]);
    const diffs = await opened.diffs(name);
    expect(diffs.map(({ commit }) => commit)).toEqual([entry?.commit]);
    const files = parseDiff(diffs[0]?.diff ?? Buffer.alloc(0));
    expect(files.map(({ path, hunks }) => [path, hunks[0]?.added])).toEqual([[name, ['changed\n']]]);
    expect((await opened.readFile(opened.baseTree, name))?.toString()).toBe(`${name.length}\n`);
    expect(await opened.readFile(opened.baseTree, `none ${name}`)).toBeUndefined();
  }
  await opened.close();
  other.remove();
});
