import fc from 'fast-check';
import { type ArchiveLimits, kernelLimits, readTar } from '#libs/archive';
import { damaged, drawDamages, mendTar, Random, tarFields } from '#libs/hostile';
import { EntryGuard } from '../src/guard.js';
import { contentsOf, refusalOf, type TarItem, tarOf, withFile } from './made.js';

const read = (bytes: Buffer, limits: ArchiveLimits = kernelLimits): Promise<string[]> =>
  withFile(bytes, (file) => contentsOf(readTar(file, limits)));
const file = (name: string): TarItem => ({ name, content: 'x' });
const symlink = (name: string, linkname: string): TarItem => ({ name, type: 'symlink', linkname });

/** A record of pax with its own length in front. */
function record(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let length = body.length + 1;
  while (`${length}`.length + body.length !== length) length += 1;
  return `${length}${body}`;
}

/** A header of a type that the writer doesn't know, with its content. */
async function typed(type: string, content: string): Promise<Buffer> {
  const tar = await tarOf([{ name: 'PaxHeader', content }]);
  tar[156] = type.charCodeAt(0);
  return mendTar(tar).subarray(0, -1024);
}

test('a damaged tar whose checksums are right is read or refused, and never waited for', async () => {
  const sound = await tarOf([
    { name: 'fs/', type: 'directory' },
    { name: 'fs/a.c', content: 'int a;\n'.repeat(100) },
    symlink('fs/b.c', 'a.c'),
    { name: `${'long/'.repeat(40)}é.c`, content: 'x' },
  ]);
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const bytes = mendTar(damaged(sound, drawDamages(new Random(seed)), tarFields(sound)));
      seen.add(await refusalOf(async () => await read(bytes)));
    }),
    // Which damage is drawn decides what is seen: the same each time. `npm run fuzz` draws anew.
    { numRuns: 250, seed: 1 },
  );
  expect([...seen]).toEqual(expect.arrayContaining(['none', 'malformed', 'truncated', 'special-file']));
});

test('a size that is no number is refused: the parser would wait for the end of the file', async () => {
  const tar = await tarOf([file('a')]);
  tar[124] = 0xd0;
  expect(await refusalOf(async () => await read(mendTar(tar)))).toBe('malformed');
});

test('extended headers may not be larger than a path and a target need', async () => {
  const rest = await tarOf([file('a')]);
  const many = Array.from({ length: 2000 }, (_, at) => record(`key${at}`, 'x')).join('');
  const global = Buffer.concat([await typed('g', many), rest]);
  expect(await refusalOf(async () => await read(global))).toBe('too-large');
  const own = Buffer.concat([await typed('x', record('comment', 'x'.repeat(20_000))), rest]);
  expect(await refusalOf(async () => await read(own))).toBe('too-large');
  const sound = Buffer.concat([await typed('g', record('comment', 'f'.repeat(40))), rest]);
  expect(await read(sound)).toEqual(['a file 644 x']);
});

/** The guard alone: an archive of 80 MB takes longer to make than to refuse. */
async function admitLinks(links: number, linkTarget: string, absoluteSymlinks = false): Promise<void> {
  const guard = new EntryGuard(kernelLimits, { absoluteSymlinks });
  guard.admit({ path: 'd', kind: 'directory', sizeBytes: 0 });
  for (let at = 0; at < links; at += 1) guard.admit({ path: `l${at}`, kind: 'symlink', sizeBytes: 0, linkTarget });
  guard.finish();
  return await Promise.resolve();
}

test('paths may not be deeper or longer together than any kernel has them', async () => {
  expect(await refusalOf(async () => await read(await tarOf([file(`${'a/'.repeat(200)}b`)])))).toBe('unsafe-path');
  const long = `/${'x'.repeat(4000)}`;
  expect(await refusalOf(async () => await admitLinks(20_000, long, true))).toBe('too-many-entries');
});

test('folders that only paths name count as entries', async () => {
  const limits = { ...kernelLimits, entries: 50 };
  const deep = Array.from({ length: 20 }, (_, at) => file(`${at}/${'a/'.repeat(20)}b`));
  expect(await refusalOf(async () => await read(await tarOf(deep), limits))).toBe('too-many-entries');
});

test('links through links are followed only so far', async () => {
  const around = `${'d/../'.repeat(800)}d`;
  expect(await refusalOf(async () => await admitLinks(100, around))).toBe('none');
  expect(await refusalOf(async () => await admitLinks(10_000, around))).toBe('unsafe-link');
});
