import { type CommitDiff, type FileRecord, historiesOf } from './histories.js';
import { Needs } from './needs.js';

const diff = (commit: string, ...lines: string[]): CommitDiff => ({
  commit,
  diff: Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1'),
});
const commits = ['a', 'b', 'c'];
const bases: Readonly<Record<string, string>> = {
  'fs/x.c': 'one\ntwo\nthree\n',
  'fs/\u00e4.c': 'old\n',
  'logo.png': '',
};

const read = async (paths: readonly string[]) => await Promise.resolve(paths.map((path) => bases[path]));

async function recordsOf(...diffs: CommitDiff[]): Promise<FileRecord[]> {
  const found: FileRecord[] = [];
  for await (const record of historiesOf(commits, diffs, read)) found.push(record);
  return found;
}

test('files come by path, with every commit that changes them; names that git quotes as the bytes that they are', async () => {
  const records = await recordsOf(
    diff('a', 'diff --git a/fs/x.c b/fs/x.c', '@@ -2 +2 @@', '-two', '+2'),
    diff('b', 'diff --git "a/fs/\\344.c" "b/fs/\\344.c"', '@@ -1 +1 @@', '-old', '+new'),
    diff('c', 'diff --git a/fs/x.c b/fs/x.c', '@@ -2 +2 @@', '-2', '+II'),
    diff('no commit of the series', 'diff --git a/fs/x.c b/fs/x.c', '@@ -1 +1 @@', '-one', '+1'),
  );
  expect(records.map(({ path, diffs }) => [path, diffs.map(([commit]) => commit)])).toEqual([
    ['fs/x.c', [0, 2]],
    ['fs/\u00e4.c', [1]],
  ]);
});

test('what each commit needs is told with the files; a file whose lines can’t be told says why, and adds nothing', async () => {
  const needs = new Needs();
  const records = await recordsOf(
    diff('a', 'diff --git a/fs/x.c b/fs/x.c', '@@ -2 +2 @@', '-two', '+2'),
    diff('b', 'diff --git a/logo.png b/logo.png', 'Binary files a/logo.png and b/logo.png differ'),
    diff('c', 'diff --git a/fs/x.c b/fs/x.c', '@@ -2 +2 @@', '-2', '+II'),
  );
  for (const record of records) needs.add(record);
  expect([...needs]).toEqual([[2, [{ commit: 0, paths: ['fs/x.c'] }]]]);
  expect(records.map(({ path, untold }) => [path, untold])).toEqual([
    ['fs/x.c', undefined],
    ['logo.png', 'logo.png is no text'],
  ]);
});
