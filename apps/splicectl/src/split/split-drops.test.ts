import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from '#libs/process';
import { splitCommand } from '../commands/split.js';
import { splitDrops } from './split-drops.js';

const changelog = `linux (6.1.2-1) stable; urgency=high

  * New upstream stable update:
    - fs: qq100: leap in qq100_probe() (CVE-2026-1234)

 -- A. Packager <a@example.org>  Mon, 16 Nov 2026 11:17:40 +0100

linux (6.1.1-1) stable; urgency=medium

  * fs: qq100: never mind qq100_probe()

 -- A. Packager <a@example.org>  Fri, 02 Jan 2026 00:00:00 +0000
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splicectl-split-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A source folder with one driver and thirty files beside it. */
async function source(name: string, sublevel: number, step: string): Promise<string> {
  const body = Array.from({ length: 20 }, (_, at) => `\tstep(${at});\n`).join('');
  const files: Record<string, string> = {
    Makefile: `VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = ${sublevel}\n`,
    'fs/qq100.c': `int qq100_probe(void)\n{\n${body}\t${step}\n}\n`,
  };
  for (let at = 0; at < 30; at++) files[`net/n${at}/x.c`] = `level(${sublevel});\n`;
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name, path)), { recursive: true });
    await writeFile(join(folder, name, path), text);
  }
  return join(folder, name);
}

const git = async (...args: string[]): Promise<string> => {
  const { stdout } = await run('git', args, { env: { PATH: '/usr/bin:/bin', HOME: folder }, timeoutMs: 20_000 });
  return stdout.toString();
};

test('two folders and a changelog become a repository that anyone can clone, and its report', async () => {
  const from = await source('a', 1, 'stay();');
  const to = await source('b', 2, 'leap();');
  await writeFile(join(folder, 'changelog.gz'), gzipSync(changelog));
  const out = join(folder, 'out.git');
  const report = await splitDrops({ from, to, out, changelogFile: join(folder, 'changelog.gz') }, () => undefined);

  expect(report).toMatchObject({ schema: 1, from: { version: '6.1.1' }, to: { version: '6.1.2' } });
  expect(report.counts).toMatchObject({ subjects: 1, subjectsFound: 1, attributed: 1 });
  expect(JSON.parse(await readFile(`${out}.report.json`, 'utf8'))).toEqual(report);
  await git('clone', '--quiet', out, join(folder, 'clone'));
  const log = (await git('-C', out, 'log', '--reverse', '--format=%s', 'main')).trim().split('\n');
  expect(log.slice(0, 2)).toEqual(['Linux 6.1.1', 'fs: qq100: leap in qq100_probe()']);
  expect(log).toHaveLength(report.counts.commits + 1);
  const changed = await run('diff', ['-r', '--exclude=.git', join(folder, 'clone'), to], {
    env: {},
    timeoutMs: 10_000,
  });
  expect(changed.stdout.toString()).toBe('');
});

test('what is there is not overwritten, and a failure leaves nothing behind', async () => {
  const from = await source('a', 1, 'stay();');
  const out = join(folder, 'out.git');
  await expect(splitDrops({ from, to: join(folder, 'nowhere'), out }, () => undefined)).rejects.toMatchObject({
    name: 'ArchiveError',
  });
  await expect(splitDrops({ from, to: from, out: from }, () => undefined)).rejects.toThrow('not empty');
  expect((await readdir(folder)).sort()).toEqual(['a']);
});

test('--candidates is refused, not ignored', async () => {
  const command = splitCommand().exitOverride();
  const args = ['--from', 'a', '--to', 'b', '--candidates', 'x', '--out', join(folder, 'out')];
  await expect(command.parseAsync(args, { from: 'user' })).rejects.toThrow('not supported yet');
  expect(await readdir(folder)).toEqual([]);
});
