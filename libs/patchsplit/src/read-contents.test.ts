import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GitTreeStore } from '#libs/trees';
import { readContents } from './read-contents.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'contents-'))));
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('a file that is too large, or not there, is called by its path', async () => {
  const trees = new GitTreeStore(folder);
  const writer = await trees.writeTree();
  await writer.add('src/caf\xc3\xa9.bin', '100644', Buffer.alloc(65 * 2 ** 20));
  await writer.add('src/small.c', '100644', Buffer.from('int small;\n'));
  const files = await trees.list((await writer.finish()).tree);
  expect(files.map(({ path }) => path)).toEqual(['src/caf\xc3\xa9.bin', 'src/small.c']);
  await expect(readContents(trees, files)).rejects.toMatchObject({
    code: 'too-large',
    message: expect.stringMatching(/^src\/café\.bin: [0-9a-f]{40} has 68157440 bytes/) as unknown,
    paths: ['src/caf\xc3\xa9.bin'],
  });
  const none = { path: 'src/none.c', blob: '0'.repeat(40) };
  await expect(readContents(trees, [none])).rejects.toThrow('src/none.c: ');
  expect(await readContents(trees, files.slice(1))).toEqual([Buffer.from('int small;\n')]);
});
