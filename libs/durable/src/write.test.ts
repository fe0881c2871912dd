import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createDurably, writeDurably } from './index.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durable-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('replaces a file as a whole, with the permissions that were asked for', async () => {
  const path = join(folder, 'state');
  await writeFile(path, 'a longer text than the one that comes');
  await chmod(path, 0o644);
  const mask = process.umask(0o077);
  try {
    await writeDurably(path, 'new', 0o640);
  } finally {
    process.umask(mask);
  }
  expect(await readFile(path, 'utf8')).toBe('new');
  expect((await stat(path)).mode & 0o777).toBe(0o640);
  expect(await readdir(folder)).toEqual(['state']);
});

it('leaves what is there, and no draft, where the new one can’t take its place', async () => {
  const path = join(folder, 'taken');
  await mkdir(path);
  await writeFile(join(path, 'inside'), 'kept');
  await expect(writeDurably(path, 'new', 0o600)).rejects.toMatchObject({
    code: expect.stringMatching(/EISDIR|ENOTEMPTY/),
  });
  expect(await readdir(folder)).toEqual(['taken']);
  expect(await readFile(join(path, 'inside'), 'utf8')).toBe('kept');
});

it('lets many write at once: one of them is there, whole', async () => {
  const path = join(folder, 'state');
  const texts = Array.from({ length: 20 }, (_, n) => `${n}`.repeat(5_000));
  await Promise.all(texts.map((text) => writeDurably(path, text, 0o600)));
  expect(texts).toContain(await readFile(path, 'utf8'));
  expect(await readdir(folder)).toEqual(['state']);
});

it('never writes over what is there where something new was meant', async () => {
  const path = join(folder, 'key');
  await createDurably(path, 'first', 0o600);
  await expect(createDurably(path, 'second', 0o600)).rejects.toMatchObject({ code: 'EEXIST' });
  expect(await readFile(path, 'utf8')).toBe('first');
  expect(await readdir(folder)).toEqual(['key']);
});

it('lets one of many make a file, and tells the others', async () => {
  const path = join(folder, 'key');
  const tries = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => createDurably(path, `${n}`, 0o600)));
  const made = tries.flatMap(({ status }, n) => (status === 'fulfilled' ? [`${n}`] : []));
  expect(made).toEqual([await readFile(path, 'utf8')]);
  expect(await readdir(folder)).toEqual(['key']);
});
