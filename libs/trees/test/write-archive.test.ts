import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ArchiveError, openSourceDrop } from '#libs/archive';
import { writeArchive } from '#libs/trees';
import { StoreUnderTest } from './under-test.js';

let under: StoreUnderTest;
beforeEach(() => (under = new StoreUnderTest()));
afterEach(() => under.remove());

function tarOfFolder(): string {
  const folder = join(under.root, 'linux-6.1');
  mkdirSync(join(folder, 'fs'), { recursive: true });
  writeFileSync(join(folder, 'fs/pipe.c'), 'int a;\n'.repeat(20_000));
  writeFileSync(join(folder, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
  symlinkSync('fs/pipe.c', join(folder, 'link.c'));
  const file = join(under.root, 'linux-6.1.tar.gz');
  spawnSync('tar', ['-czf', file, '-C', under.root, 'linux-6.1']);
  return file;
}

it('an archive and the folder that it was made of are the same tree', async () => {
  const file = tarOfFolder();
  const fromTar = await writeArchive(under.store, (await openSourceDrop(file)).entries);
  const fromFolder = await writeArchive(under.store, (await openSourceDrop(join(under.root, 'linux-6.1'))).entries);
  expect(fromTar).toEqual(fromFolder);
  expect(fromTar).toMatchObject({ files: 3 });
});

it('a bad archive leaves nothing behind', async () => {
  const file = tarOfFolder();
  const whole = spawnSync('cat', [file]).stdout;
  writeFileSync(file, whole.subarray(0, whole.length - 20));
  const drop = await openSourceDrop(file);
  await expect(writeArchive(under.store, drop.entries)).rejects.toBeInstanceOf(ArchiveError);
  expect(readdirSync(join(under.dir, 'incoming'))).toEqual([]);
  expect(under.git('for-each-ref')).toBe('');
});
