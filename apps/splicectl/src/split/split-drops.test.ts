import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from '#libs/process';
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
const cacheBefore = process.env['XDG_CACHE_HOME'];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splicectl-split-'));
  process.env['XDG_CACHE_HOME'] = join(folder, 'cache');
});
afterEach(async () => {
  if (cacheBefore === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = cacheBefore;
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
  const { report } = await splitDrops({ from, to, out, changelogFile: join(folder, 'changelog.gz') }, () => undefined);

  expect(report).toMatchObject({ schema: 2, from: { version: '6.1.1' }, to: { version: '6.1.2' } });
  expect(report.counts).toMatchObject({ subjects: 1, subjectsFound: 1, attributed: 1 });
  const written = await readFile(`${out}.report.json`, 'utf8');
  expect(JSON.parse(written)).toEqual(report);
  expect(await readFile(`${out}.report.html`, 'utf8')).toContain('fs: qq100: leap in qq100_probe()');
  const twice = join(folder, 'twice.git');
  await splitDrops({ from, to, out: twice, changelogFile: join(folder, 'changelog.gz') }, () => undefined);
  expect(await readFile(`${twice}.report.json`, 'utf8')).toBe(written);
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

test('a changelog of another release is said to be one', async () => {
  const from = await source('a', 1, 'stay();');
  const to = await source('b', 2, 'leap();');
  const others = Array.from({ length: 10 }, (_, at) => `    - sound: zz${at}: hush in zz${at}_mute()\n`).join('');
  const changelogFile = join(folder, 'changelog');
  await writeFile(changelogFile, changelog.replace(/ {4}- .*\n/, others));
  const { report } = await splitDrops({ from, to, out: join(folder, 'o'), changelogFile }, () => undefined);
  expect(report.notices).toContain('none of the changelog’s 10 entries has a commit: is it of another release?');
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

test('an archive that is cut short is named, with what to do; a changelog that is none, too', async () => {
  const from = await source('a', 1, 'stay();');
  const out = join(folder, 'out.git');
  const whole = join(folder, 'whole.tar.gz');
  await run('tar', ['-C', folder, '-czf', whole, 'a'], { env: { PATH: '/usr/bin:/bin' }, timeoutMs: 20_000 });
  const bytes = await readFile(whole);
  const cut = join(folder, 'cut.tar.gz');
  await writeFile(cut, bytes.subarray(0, bytes.length / 2));
  await expect(splitDrops({ from, to: cut, out }, () => undefined)).rejects.toThrow(
    /^\S*cut\.tar\.gz: .*: it is incomplete or damaged; fetch it again/,
  );
  const noChangelog = join(folder, 'none');
  await writeFile(noChangelog, 'all fine\n');
  const request = { from, to: from, out, changelogFile: noChangelog };
  await expect(splitDrops(request, () => undefined)).rejects.toThrow(
    /^the changelog \S*none can't be read: begins neither/,
  );
  expect((await readdir(folder)).sort()).toEqual(['a', 'cut.tar.gz', 'none', 'whole.tar.gz']);
});

test('sources and a changelog that don’t belong together are split exactly, and said not to', async () => {
  const from = await source('a', 1, 'stay();');
  const to = await source('b', 2, 'leap();');
  const notices = async (of: Partial<Parameters<typeof splitDrops>[0]>): Promise<string> => {
    const out = join(folder, `${Math.random()}.git`);
    const { report } = await splitDrops({ from, to, out, ...of }, () => undefined);
    expect(report.proof.replayedTree).toBe(report.to.tree);
    return report.notices.join('\n');
  };
  const own = join(folder, 'own');
  await writeFile(own, changelog);
  expect(await notices({ changelogFile: own })).toBe('');
  expect(await notices({})).toContain('neither a changelog nor candidates');
  const other = join(folder, 'other');
  await writeFile(other, changelog.replaceAll('6.1.', '4.19.'));
  expect(await notices({ changelogFile: other })).toContain(
    'the changelog has no entry 6.1.2 (its newest entry is 4.19.2-1, its oldest 4.19.1-1): is it this source’s?\n' +
      'no entry of the changelog is between 6.1.1 and 6.1.2: see --from-version and --to-version',
  );
  const stranger = join(folder, 'stranger');
  await mkdir(stranger);
  await writeFile(join(stranger, 'README'), 'something else\n');
  expect(await notices({ changelogFile: own, to: stranger })).toContain('only 0 of the 32 files of the older source');
  await mkdir(join(folder, 'empty'));
  expect(await notices({ from: join(folder, 'empty') })).toContain('the older source has no files');
});

const sourcesOf = async (repo: string): Promise<Record<string, string>> => {
  const mbox = join(folder, 'all.mbox');
  await writeFile(mbox, await git('-C', repo, 'log', '--pretty=email', '-p', '--root', 'main'));
  const patches = join(folder, 'patches');
  await git('-C', repo, 'format-patch', '--quiet', '--root', '-o', patches, 'main');
  await writeFile(join(patches, 'README'), 'not a patch\n');
  return { mbox, patches, repo, range: `${repo}#main~2..main` };
};

describe('candidates', () => {
  const author = ['-c', 'user.name=Up Stream', '-c', 'user.email=up@example.org'];

  /** A repository with the upstream commit and one that the vendor never took. */
  async function upstream(from: string): Promise<string> {
    const repo = join(folder, 'upstream');
    await git('init', '--quiet', '--initial-branch=main', repo);
    const commit = async (message: string): Promise<void> => {
      await git('-C', repo, 'add', '--all');
      await git('-C', repo, ...author, 'commit', '--quiet', '--message', message);
    };
    await mkdir(join(repo, 'fs'), { recursive: true });
    const driver = await readFile(join(from, 'fs/qq100.c'), 'utf8');
    await writeFile(join(repo, 'fs/qq100.c'), driver);
    await commit('base');
    await writeFile(join(repo, 'fs/qq100.c'), driver.replace('stay();', 'leap();'));
    await commit('fs: qq100: leap in qq100_probe()');
    await writeFile(join(repo, 'fs/qq100.c'), driver.replace('step(3);', 'never_taken();'));
    await commit('fs: qq100: take another step');
    return repo;
  }

  test.each(['mbox', 'patches', 'repo', 'range'])('given as %s name the upstream commit', async (kind) => {
    const from = await source('a', 1, 'stay();');
    const to = await source('b', 2, 'leap();');
    const sources = await sourcesOf(await upstream(from));
    const given = sources[kind] ?? '';
    const out = join(folder, 'out.git');
    const { report } = await splitDrops({ from, to, out, candidates: [given] }, () => undefined);
    const id = (await git('-C', join(folder, 'upstream'), 'rev-parse', 'main~1')).trim();
    expect(report.commits[0]).toMatchObject({
      subject: 'fs: qq100: leap in qq100_probe()',
      upstream: id,
      confidence: 0.95,
      paths: ['fs/qq100.c'],
    });
    expect(report.commits.slice(1).every(({ kind: of }) => of === 'remainder')).toBe(true);
    expect(await git('-C', out, 'log', '--format=%an <%ae>', '-1', `--grep=${id}`)).toBe(
      'Up Stream <up@example.org>\n',
    );
    expect(report.proof.replayedTree).toBe(report.to.tree);
    if (kind === 'patches') expect(report.notices.join()).toContain('there is no diff in it');
  });

  test('what is no patch is said and left out; what is not there is refused', async () => {
    const from = await source('a', 1, 'stay();');
    const to = await source('b', 2, 'leap();');
    const junk = join(folder, 'junk');
    await writeFile(junk, Buffer.from([0, 1, 2, 255, 10, 10]));
    const { report } = await splitDrops({ from, to, out: join(folder, 'o'), candidates: [junk] }, () => undefined);
    expect(report.notices).toEqual([
      expect.stringContaining('there is no diff in it'),
      `candidates ${junk}: no patch in it could be used`,
    ]);
    const request = { from, to, out: join(folder, 'p'), candidates: [join(folder, 'nowhere')] };
    await expect(splitDrops(request, () => undefined)).rejects.toThrow('there are no candidates at');
  });

  test('a repository may be named from where one is', async () => {
    const from = await source('a', 1, 'stay();');
    const to = await source('b', 2, 'leap();');
    const repo = await upstream(from);
    const candidates = [relative(process.cwd(), repo), relative(process.cwd(), join(repo, '.git'))];
    const { report } = await splitDrops({ from, to, out: join(folder, 'o'), candidates }, () => undefined);
    expect(report.notices.join()).not.toContain('could not be read');
    const id = (await git('-C', repo, 'rev-parse', 'main~1')).trim();
    expect(report.commits.map(({ upstream: of }) => of)).toContain(id);
  });

  test('a range that the repository does not have is said, and the split goes on', async () => {
    const from = await source('a', 1, 'stay();');
    const to = await source('b', 2, 'leap();');
    const repo = await upstream(from);
    const candidates = [`${repo}#no-such-branch`, `${repo}#--output=${join(folder, 'pwned')}`];
    const { report } = await splitDrops({ from, to, out: join(folder, 'o'), candidates }, () => undefined);
    expect(report.notices.filter((notice) => notice.includes('read to its end: git rev-list failed'))).toHaveLength(2);
    expect(await readdir(folder)).not.toContain('pwned');
    expect(report.proof.replayedTree).toBe(report.to.tree);
  });
});
