import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { buildCommand } from './build.js';

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'build-command-'))));
afterAll(async () => rm(folder, { recursive: true, force: true }));

/** Runs the command in this process: the JSON that it printed, and the exit code it asked for. */
async function build(...args: string[]): Promise<{ out: unknown; code: number | string | undefined }> {
  let out = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  const before = process.exitCode;
  try {
    const all = ['--kernel', join(folder, 'no-profile'), '-o', join(folder, 'x.ko'), '--json', ...args];
    await buildCommand().exitOverride().parseAsync(all, { from: 'user' });
    return { out: JSON.parse(out), code: process.exitCode };
  } finally {
    process.exitCode = before;
    write.mockRestore();
  }
}

test.each([
  ['nothing', []],
  ['a series without commits', ['--series', 'repo']],
  ['commits without a series', ['--commit', 'abcdef1']],
  ['a patch without its source', ['--patch', 'a.patch']],
  ['both ways at once', ['--source', 'tree', '--patch', 'a.patch', '--series', 'repo', '--commit', 'abcdef1']],
])('%s is no input: an error', async (_what, args) => {
  expect(await build(...args)).toMatchObject({ out: { outcome: 'error', code: 'bad-options' }, code: 1 });
});

test('either way in is taken, and then the kernel is looked for', async () => {
  for (const args of [
    ['--source', folder, '--patch', 'a.patch'],
    ['--series', folder, '--commit', 'abcdef1'],
  ]) {
    expect(await build(...args)).toMatchObject({ out: { outcome: 'error', code: 'bad-profile' }, code: 1 });
  }
});
