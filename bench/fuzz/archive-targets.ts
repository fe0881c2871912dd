import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type ArchiveEntry, ArchiveError, openSourceDrop, readDeb, readSourceRpm, readTar } from '#libs/archive';
import { arFields, mendTar, rpmFields, tarFields } from '#libs/hostile';
import { archiveCodes } from './error-codes.js';
import { cpioOf, debOf, srpmOf, tarOf } from './packages.js';
import { type Target, typedBy } from './target.js';

async function readThrough(entries: AsyncIterable<ArchiveEntry>): Promise<void> {
  for await (const entry of entries) if (entry.kind === 'file') await entry.bytes();
}

/** All that reads archives: tar, .deb, source RPM, and whatever a drop turns out to be. */
export async function archiveTargets(folder: string): Promise<readonly Target[]> {
  const tree = {
    'linux-9.8.7/Makefile': 'VERSION = 9\n',
    'linux-9.8.7/fs/a.c': 'int a;\n'.repeat(200),
    'linux-9.8.7/fs/b.c@': '../Makefile',
    'linux-9.8.7/fs@/d@': '.',
    [`linux-9.8.7/${'long/'.repeat(40)}é.c`]: 'x',
  };
  const tar = await tarOf(tree);
  const drop = { './usr/src/linux-source-9.8.tar.gz': gzipSync(tar) };
  const deb = await debOf('linux-source-9.8', '9.8.7-1', await tarOf(drop));
  const cpio = cpioOf({ 'kernel.spec': 'Name: kernel\n', 'linux-9.8.7.tar.gz': gzipSync(tar), 'fix.patch': '--- a\n' });
  const srpm = srpmOf(cpio);
  const isTyped = typedBy([ArchiveError, archiveCodes]);
  const file = join(folder, 'archive');
  const reading = (read: () => Promise<AsyncIterable<ArchiveEntry>>) => async (input: Buffer) => {
    await writeFile(file, input);
    await readThrough(await read());
  };
  const opened = reading(async () => (await openSourceDrop(file)).entries);
  return [
    {
      name: 'tar',
      seeds: [tar],
      fields: tarFields,
      wrap: mendTar,
      run: reading(async () => await Promise.resolve(readTar(file))),
      isTyped,
    },
    { name: 'deb', seeds: [deb], fields: arFields, run: reading(async () => (await readDeb(file)).entries), isTyped },
    {
      name: 'srpm',
      seeds: [srpm],
      fields: rpmFields,
      run: reading(async () => (await readSourceRpm(file)).entries),
      isTyped,
    },
    { name: 'drop', seeds: [deb, srpm, gzipSync(tar)], fields: arFields, run: opened, isTyped },
    {
      // Its damage lies within what a sound package has compressed.
      name: 'drop-tree',
      seeds: [tar],
      fields: tarFields,
      wrap: async (damaged) =>
        await debOf(
          'linux-source-9.8',
          '9.8.7-1',
          await tarOf({ 'usr/src/linux-source-9.8.tar.gz': gzipSync(mendTar(damaged)) }),
        ),
      run: opened,
      isTyped,
    },
  ];
}
