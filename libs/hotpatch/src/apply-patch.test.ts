import { folderTree } from '#libs/kbuild';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Applied, applyPatches } from './apply-patch.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splicecast-apply-'));
  await mkdir(join(folder, 'fs'));
  await writeFile(join(folder, 'fs/a.c'), 'one\ntwo\nthree\n');
  await writeFile(join(folder, 'fs/gone.c'), 'gone\n');
});
afterAll(async () => await rm(folder, { recursive: true }));

const apply = async (...patches: string[]): Promise<Applied> =>
  await applyPatches(
    folderTree(folder),
    patches.map((patch) => Buffer.from(patch)),
  );
const change = (from: string, to: string): string =>
  `--- a/fs/a.c\n+++ b/fs/a.c\n@@ -1,3 +1,3 @@\n one\n-${from}\n+${to}\n three\n`;

test('applies patches one upon the other, and leaves the tree alone', async () => {
  const added = '--- /dev/null\n+++ b/fs/new.h\n@@ -0,0 +1 @@\n+new\n';
  const deleted = '--- a/fs/gone.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n';
  const applied = await apply(change('two', '2') + added, change('2', 'II'), deleted);
  if (!('fix' in applied)) throw new Error(JSON.stringify(applied));
  expect(applied.fix.changes).toEqual([
    { path: 'fs/a.c', kind: 'modified' },
    { path: 'fs/gone.c', kind: 'deleted' },
    { path: 'fs/new.h', kind: 'added' },
  ]);
  expect((await applied.fix.patched.read('fs/a.c'))?.toString()).toBe('one\nII\nthree\n');
  expect((await applied.fix.base.read('fs/a.c'))?.toString()).toBe('one\ntwo\nthree\n');
  expect(await applied.fix.patched.read('fs/gone.c')).toBeUndefined();
});

test.each([
  ['lines that are not there', change('zwei', '2'), 'needs-earlier-commits', 'fs/a.c'],
  ['a file that is not there', change('two', '2').replaceAll('fs/a.c', 'fs/b.c'), 'needs-earlier-commits', 'fs/b.c'],
  ['no patch', 'hello\n', 'malformed-patch', undefined],
  ['a patch cut in a hunk', change('two', '2').slice(0, -8), 'malformed-patch', undefined],
])('refuses %s', async (_what, patch, code, object) => {
  expect(await apply(patch)).toEqual({ refused: [expect.objectContaining(object ? { code, object } : { code })] });
});

test('never writes outside its folder', async () => {
  const outside = change('two', '2').replaceAll('fs/a.c', '../../etc/passwd');
  const result = await apply(outside).catch((error: { code?: string }) => error.code);
  expect(result).not.toHaveProperty('fix');
});

const linkTo = (path: string, target: string): string =>
  `diff --git a/${path} b/${path}\nnew file mode 120000\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+${target}\n\\ No newline at end of file\n`;

test('never reads or writes through a link that a patch makes', async () => {
  const outside = join(folder, 'outside');
  await mkdir(outside, { recursive: true });
  await writeFile(join(outside, 'a.c'), 'mine\n');
  const refusal = { refused: [expect.objectContaining({ code: 'malformed-patch' })] };
  expect(await apply(linkTo('fs', outside), change('two', '2'))).toEqual(refusal);
  expect(await readFile(join(outside, 'a.c'), 'utf8')).toBe('mine\n');
  expect(await apply(linkTo('include/secret.h', '/etc/passwd'))).toEqual(refusal);
});

test('ends on a patch of 300,000 hunks', async () => {
  const hunks = '@@ -1,3 +1,3 @@\n one\n-two\n+two\n three\n'.repeat(300_000);
  expect(await apply(`--- a/fs/a.c\n+++ b/fs/a.c\n${hunks}`)).toHaveProperty('refused');
});
