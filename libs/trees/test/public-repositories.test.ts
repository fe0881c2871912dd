import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { GitId } from '#libs/contracts';
import { PublicRepositories } from '#libs/trees';
import { refusalOf, StoreUnderTest } from './under-test.js';

const author = { name: 'A', email: 'a@example.org', at: new Date('2026-11-16T10:17:40Z') };
const files = { 'a.c': 'one\n', 'b.c': 'two\n', 'big.c': 'int x;\n'.repeat(5000) };

let under: StoreUnderTest;
let repositories: PublicRepositories;
let root: GitId;
let next: GitId;
const name = 'debian-linux';
const repository = (): string => join(under.root, 'redpatch', `${name}.git`);
const git = (...args: string[]): string =>
  execFileSync('git', ['--git-dir', repository(), ...args], { encoding: 'latin1', stdio: 'pipe' }).trim();
const packs = (): string[] => readdirSync(join(repository(), 'objects/pack')).filter((one) => one.endsWith('.pack'));
const bitmaps = (): string[] =>
  readdirSync(join(repository(), 'objects/pack')).filter((one) => one.endsWith('.bitmap'));
const publish = (commit: GitId): Promise<void> =>
  repositories.publish(name, { branches: new Map([['6.1', commit]]), tags: new Map([[commit, commit]]), head: '6.1' });
/** Lets the hour pass after which a pack that was replaced may go. */
const anHourLater = (): void => utimesSync(join(repository(), 'replaced'), 0, 0);

async function commitOnto(onto: GitId, change: string): Promise<GitId> {
  const tree = under.git('rev-parse', `${onto}^{tree}`);
  const changes = [{ path: 'a.c', after: { mode: '100644' as const, content: Buffer.from(change) } }];
  const made = await under.store.commitSeries({ author, message: '', tree, onto }, [
    { author, message: 'c\n', changes },
  ]);
  return made.at(-1)?.commit ?? '';
}

beforeEach(async () => {
  under = new StoreUnderTest();
  repositories = new PublicRepositories(join(under.root, 'redpatch'), under.dir);
  const tree = await under.write(files);
  root = (await under.store.commitSeries({ author, message: 'root\n', tree }, []))[0]?.commit ?? '';
  next = await commitOnto(root, 'one, changed\n');
  await publish(root);
});
afterEach(() => under.remove());

test('a repository has what its refs show, and no other object of the tree store', async () => {
  expect(git('rev-list', '--objects', '--all').split('\n')).toHaveLength(1 + 1 + 3);
  expect(() => git('cat-file', '-e', next)).toThrow('cat-file');
  await publish(next);
  git('fsck', '--full', '--strict', '--no-dangling');
  expect(git('rev-parse', '6.1', 'HEAD~1')).toBe(`${next}\n${root}`);
});

test('packed, it is one pack with a bitmap; what that replaces stays for an hour, for those who read it', async () => {
  await publish(next);
  const before = packs();
  expect([before.length, bitmaps().length]).toEqual([2, 0]);
  expect(await repositories.pack(name)).toBeGreaterThan(3_600_000);
  expect(packs()).toEqual(expect.arrayContaining(before));
  expect([packs().length, bitmaps().length]).toEqual([3, 1]);
  expect(await repositories.pack(name)).toBeGreaterThan(3_500_000);
  anHourLater();
  expect(await repositories.pack(name)).toBeUndefined();
  expect(packs().map((pack) => pack.replace('.pack', '.bitmap'))).toEqual(bitmaps());
  git('fsck', '--full', '--strict');
  expect(git('rev-list', '--test-bitmap', 'HEAD')).toBe('');
  expect(git('rev-list', '--count', '--use-bitmap-index', '--objects', '--all')).toBe('8');
});

test('the next publication adds a pack, and packing unites the two again', async () => {
  await repositories.pack(name);
  anHourLater();
  await repositories.pack(name);
  const [first] = packs();
  await publish(next);
  expect(packs()).toHaveLength(2);
  await repositories.pack(name);
  const third = await commitOnto(next, 'and again\n');
  await publish(third);
  await repositories.pack(name);
  expect([packs().length, bitmaps().length]).toEqual([5, 1]);
  anHourLater();
  await repositories.pack(name);
  expect(packs()).toHaveLength(1);
  expect(packs()).not.toContain(first);
  expect(git('rev-parse', 'HEAD', 'HEAD~2')).toBe(`${third}\n${root}`);
  git('fsck', '--full', '--strict');
});

test('a pack of commits that no ref shows yet is replaced by none', async () => {
  const early = execFileSync(
    'git',
    ['--git-dir', under.dir, 'pack-objects', '--revs', '--quiet', join(under.root, 'p')],
    {
      input: `${next}\n^${root}\n`,
      encoding: 'latin1',
    },
  ).trim();
  for (const end of ['pack', 'idx']) {
    copyFileSync(join(under.root, `p-${early}.${end}`), join(repository(), 'objects/pack', `pack-${early}.${end}`));
  }
  await repositories.pack(name);
  anHourLater();
  await repositories.pack(name);
  expect(git('cat-file', '-t', next)).toBe('commit');
  git('update-ref', 'refs/heads/6.1', next);
  git('fsck', '--full', '--strict');
});

test('killed at any step, it is whole, and the next time ends as if nothing had been', async () => {
  await publish(next);
  const stopped = new AbortController();
  stopped.abort();
  await expect(repositories.pack(name, stopped.signal)).rejects.toThrow('killed');
  expect(readdirSync(join(under.root, 'redpatch/incoming'))).toEqual([]);
  git('fsck', '--full', '--strict');
  // Killed after the new pack was there, before it was noted which it replaces.
  await repositories.pack(name);
  rmSync(join(repository(), 'replaced'));
  await repositories.pack(name);
  // Killed while it was clearing away: an index gone, its pack still there.
  anHourLater();
  const [listed = ''] = readFileSync(join(repository(), 'replaced'), 'latin1').split('\n');
  rmSync(join(repository(), `objects/pack/${listed}.idx`));
  await repositories.pack(name);
  expect([packs().length, bitmaps().length]).toEqual([1, 1]);
  expect(existsSync(join(repository(), 'replaced'))).toBe(false);
  git('fsck', '--full', '--strict');
});

test('one that borrowed the tree store’s objects gets its own', async () => {
  rmSync(join(repository(), 'objects/pack'), { recursive: true });
  mkdirSync(join(repository(), 'objects/pack'));
  const alternates = join(repository(), 'objects/info/alternates');
  writeFileSync(alternates, '../../../trees.git/objects\n');
  expect(git('rev-parse', 'HEAD')).toBe(root);
  await publish(root);
  expect(existsSync(alternates)).toBe(false);
  git('fsck', '--full', '--strict');
  expect(() => git('cat-file', '-e', next)).toThrow('cat-file');
});

test('a ref that would lose what it shows is refused, and nothing is brought', async () => {
  await publish(next);
  const other = await commitOnto(root, 'another way\n');
  expect((await refusalOf(publish(other))).code).toBe('would-rewrite');
  expect(() => git('cat-file', '-e', other)).toThrow('cat-file');
  expect(git('rev-parse', 'HEAD')).toBe(next);
});
