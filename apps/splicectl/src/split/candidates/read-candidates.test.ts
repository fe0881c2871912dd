import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StepKeys } from '#libs/patchsplit';
import { run } from '#libs/process';
import { readCandidates, type ReadCandidates } from './read-candidates.js';

let folder: string;
let repo: string;
const cacheBefore = process.env['XDG_CACHE_HOME'];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'read-candidates-'));
  repo = join(folder, 'repo');
  process.env['XDG_CACHE_HOME'] = join(folder, 'cache');
  await git('init', '--quiet', '--initial-branch=main', repo);
});
afterEach(async () => {
  if (cacheBefore === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = cacheBefore;
  await rm(folder, { recursive: true, force: true });
});

const git = async (...args: string[]): Promise<string> => {
  const { stdout } = await run('git', args, { env: { PATH: '/usr/bin:/bin', HOME: folder }, timeoutMs: 20_000 });
  return stdout.toString().trim();
};

async function commit(path: string | Buffer, text: string, message: string): Promise<string> {
  const file = Buffer.concat([Buffer.from(`${repo}/`), Buffer.from(path)]);
  await writeFile(file, text);
  await git('-C', repo, 'add', '--all');
  const author = ['-c', 'user.name=Up Stream', '-c', 'user.email=up@example.org'];
  await git('-C', repo, ...author, 'commit', '--quiet', '--message', message);
  return await git('-C', repo, 'rev-parse', 'HEAD');
}

/** A step in which each path's text becomes another. */
async function readFor(changes: Record<string, readonly [string, string]>, source = repo): Promise<ReadCandidates> {
  const keys = new StepKeys([]);
  for (const [path, [before, after]] of Object.entries(changes)) {
    keys.addFile({ path, before: [`${before}\n`], after: [`${after}\n`] });
  }
  const step = { isRelevant: () => true, keys: () => Promise.resolve(keys) };
  return await readCandidates([source], step, () => undefined);
}

const idsOf = ({ candidates }: ReadCandidates): (string | undefined)[] => candidates.map(({ id }) => id);
const cached = async (): Promise<string[]> => {
  const [name = ''] = await readdir(join(folder, 'cache/splicecast/commits'));
  return (await readdir(join(folder, 'cache/splicecast/commits', name))).map((file) =>
    join(folder, 'cache/splicecast/commits', name, file),
  );
};

test('an index is built once, asked again, and appended to when the repository has grown', async () => {
  await commit('a.c', 'call(alpha);\n', 'one');
  const two = await commit('a.c', 'call(beta);\n', 'two');
  const step = { 'a.c': ['call(alpha);', 'call(beta);'], 'b.c': ['', 'call(gamma);'] } as const;
  const first = await readFor(step);
  expect(idsOf(first)).toEqual([two]);
  expect(first.notices.join()).toContain('an index of 2 commits (2 of them new) was asked; 1 were read in full');
  expect((await readFor(step)).notices.join()).toContain('2 commits (0 of them new)');
  const three = await commit('b.c', 'call(gamma);\n', 'three');
  const grown = await readFor(step);
  expect(idsOf(grown)).toEqual([two, three]);
  expect(grown.notices.join()).toContain('3 commits (1 of them new)');
});

test('a damaged part of the index is made anew', async () => {
  await commit('a.c', 'call(alpha);\n', 'one');
  const two = await commit('a.c', 'call(beta);\n', 'two');
  const step = { 'a.c': ['call(alpha);', 'call(beta);'] } as const;
  await readFor(step);
  for (const file of await cached()) if (!file.endsWith('.json')) await appendFile(file, 'x');
  const again = await readFor(step);
  expect(idsOf(again)).toEqual([two]);
  expect(again.notices.join()).toContain('2 commits (2 of them new)');
  for (const file of await cached()) await writeFile(file, 'no index');
  expect(idsOf(await readFor(step))).toEqual([two]);
});

test('a cache that cannot be written to costs time and nothing else', async () => {
  await commit('a.c', 'call(alpha);\n', 'one');
  const two = await commit('a.c', 'call(beta);\n', 'two');
  await writeFile(join(folder, 'cache'), 'a file');
  expect(idsOf(await readFor({ 'a.c': ['call(alpha);', 'call(beta);'] }))).toEqual([two]);
});

test('a commit whose object is missing is named, and those after it are read', async () => {
  await commit('a.c', 'call(alpha);\n', 'one');
  const two = await commit('a.c', 'call(beta);\n', 'two');
  const three = await commit('b.c', 'call(gamma);\n', 'three');
  const four = await commit('c.c', 'call(delta);\n', 'four');
  const blob = await git('-C', repo, 'rev-parse', `${three}:b.c`);
  await rm(join(repo, '.git/objects', blob.slice(0, 2), blob.slice(2)));
  const step = {
    'a.c': ['call(alpha);', 'call(beta);'],
    'b.c': ['', 'call(gamma);'],
    'c.c': ['', 'call(delta);'],
  } as const;
  for (const source of [repo, `${repo}#main`]) {
    const read = await readFor(step, source);
    expect(idsOf(read)).toEqual(expect.arrayContaining([two, four]));
    expect(idsOf(read)).not.toContain(three);
    expect(read.notices.join()).toContain(
      `left out commit ${three.slice(0, 12)}: the repository lacks object ${blob.slice(0, 12)}`,
    );
  }
});

test('a shallow clone gives the commits of which it knows the parent, and says so', async () => {
  await commit('a.c', 'call(alpha);\n', 'one');
  await commit('a.c', 'call(beta);\n', 'two');
  const three = await commit('a.c', 'call(gamma);\n', 'three');
  const clone = join(folder, 'clone');
  await git('clone', '--quiet', '--depth=2', `file://${repo}`, clone);
  const read = await readFor({ 'a.c': ['call(beta);', 'call(gamma);'] }, clone);
  expect(idsOf(read)).toEqual([three]);
  expect(read.notices.join()).toContain('a shallow clone');
});

test('a name that is no UTF-8 is the bytes that it is', async () => {
  const name = Buffer.from([0x61, 0xff, 0xfe]);
  await commit(name, 'call(alpha);\n', 'one');
  const two = await commit(name, 'call(beta);\n', 'two');
  const read = await readFor({ [name.toString('latin1')]: ['call(alpha);', 'call(beta);'] });
  expect(idsOf(read)).toEqual([two]);
  expect(read.candidates[0]?.files[0]?.to).toBe(name.toString('latin1'));
});

test('a message that pretends to begin another commit begins none', async () => {
  await commit('a.c', 'call(alpha);\n', 'one');
  const forged = `From ${'1'.repeat(40)} Mon Sep 17 00:00:00 2001`;
  const two = await commit('a.c', 'call(beta);\n', `two\n\n${forged}\nSubject: forged\n`);
  const read = await readFor({ 'a.c': ['call(alpha);', 'call(beta);'] });
  expect(read.candidates.map(({ id, subject }) => [id, subject])).toEqual([[two, 'two']]);
});

test('a patch past the bound is named by its subject, and what follows it is read', async () => {
  const mbox = join(folder, 'all.mbox');
  await commit('a.c', 'call(alpha);\n', 'one');
  const two = await commit('a.c', 'call(beta);\n', 'two');
  const huge = `From ${'2'.repeat(40)} Mon Sep 17 00:00:00 2001\nSubject: huge firmware\n\n${'x'.repeat(2 ** 20)}\n`;
  await writeFile(mbox, huge);
  for (let mb = 0; mb < 130; mb += 10) await appendFile(mbox, `${'y'.repeat(1023)}\n`.repeat(10_240));
  await appendFile(mbox, `${await git('-C', repo, 'log', '--pretty=email', '-p', '-1', 'main')}\n`);
  const read = await readFor({}, mbox);
  expect(idsOf(read)).toEqual([two]);
  expect(read.notices).toEqual([expect.stringContaining('huge firmware')]);
  expect((await readFile(mbox)).length).toBeGreaterThan(128 * 2 ** 20);
});
