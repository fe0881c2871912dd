import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importRange } from './import-range.js';
import { scoreOf } from './score.js';
import { readStep, StepError, writeStep } from './step.js';

const whole = { unlisted: 0, seed: 1 };
let folder: string;
let repo: string;

const git = (...args: string[]): string =>
  execFileSync('git', ['-C', repo, '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {
    encoding: 'utf8',
  });

async function commit(subject: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) await writeFile(join(repo, path), text);
  git('add', '--all');
  git('commit', '--quiet', '--message', subject);
}

const driver = (first: string, second: string): string =>
  `int probe_one(void)\n{\n\t${first}\n}\n\nint remove_one(void)\n{\n\t${second}\n}\n`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attribution-test-'));
  repo = join(folder, 'repo');
  await mkdir(join(repo, 'net'), { recursive: true });
  git('init', '--quiet', '--initial-branch=main');
  await commit('old', { 'net/one.c': driver('return 0;', 'return 0;'), 'net/back.c': 'x\n' });
  git('tag', 'v1');
  await commit('net: one: Check in probe_one()', { 'net/one.c': driver('return check();', 'return 0;') });
  await commit('net: one: Fix the check in probe_one()', {
    'net/one.c': driver('if (ready)\n\t\treturn check(1);\n\treturn -1;', 'return 0;'),
    'net/back.c': 'y\n',
  });
  git('checkout', '--quiet', '-b', 'side', 'HEAD~1');
  await commit('net: two: Add', { 'net/two.c': 'int two;\n' });
  git('checkout', '--quiet', 'main');
  git('merge', '--quiet', '--no-ff', '--no-edit', 'side');
  await commit('net: one: Release in remove_one()', {
    'net/one.c': driver('if (ready)\n\t\treturn check(1);\n\treturn -1;', 'release();'),
    'net/back.c': 'x\n',
    'net/logo': 'a\0b',
  });
  git('tag', 'v2');
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

test('each hunk has its lines by the commit that the replay gives them to', async () => {
  const { subjects, files, truth } = await importRange(repo, 'v1..v2', whole);
  expect(subjects).toEqual([
    'net: one: Check in probe_one()',
    'net: one: Fix the check in probe_one()',
    'net: one: Release in remove_one()',
  ]);
  // What changes back isn't in it; a merge is nobody's, so the changelog doesn't have it.
  expect(files.map(({ path, whole: one, hunks }) => [path, one, hunks.length])).toEqual([
    ['net/logo', true, 1],
    ['net/one.c', false, 2],
    ['net/two.c', true, 1],
  ]);
  expect(truth.map((owners) => Object.fromEntries(owners))).toEqual([
    {},
    { 'net: one: Check in probe_one()': 1, 'net: one: Fix the check in probe_one()': 3 },
    { 'net: one: Release in remove_one()': 2 },
    { "Merge branch 'side'": 1 },
  ]);
});

test('a share of the commits is left out of the changelog, the same for a seed, and stays in the truth', async () => {
  const all = await importRange(repo, 'v1..v2', whole);
  const some = await importRange(repo, 'v1..v2', { unlisted: 0.5, seed: 3 });
  expect(some.subjects.length).toBeLessThan(all.subjects.length);
  expect(await importRange(repo, 'v1..v2', { unlisted: 0.5, seed: 3 })).toEqual(some);
  expect(some.truth).toEqual(all.truth);
});

test('a step is read as it was written, and can be scored', async () => {
  const made = await importRange(repo, 'v1..v2', whole);
  await writeStep(join(folder, 'step'), made);
  const step = await readStep(join(folder, 'step'));
  expect(step).toEqual({ name: 'step', ...made });
  const { lines, hunks, commits } = scoreOf(step);
  expect([lines.known, hunks.known, commits.known]).toEqual([7, 3, 4]);
  expect(lines.right).toBeLessThanOrEqual(lines.claimed);
});

test('nothing is written to the repository', async () => {
  const before = await readdir(join(repo, '.git'));
  await importRange(repo, 'v1..v2', whole);
  expect(await readdir(join(repo, '.git'))).toEqual(before);
});

test.each([
  ['a range without an end', async () => await importRange(repo, 'v1', whole), 'OLDER..NEWER'],
  ['an option in its place', async () => await importRange(repo, '--all..v2', whole), 'OLDER..NEWER'],
  ['a name that it doesn’t have', async () => await importRange(repo, 'v1..v9', whole), 'has no commit v9'],
  ['nothing between the ends', async () => await importRange(repo, 'v2..v1', whole), 'has no commits'],
  ['a folder that is no step', async () => await readStep(folder), 'make the step with'],
  ['a line that is no file', async () => await readStep(await broken('{"path":"x"}')), 'files.jsonl:1'],
  ['a line that is no JSON', async () => await readStep(await broken('{')), 'files.jsonl:1'],
])('refused: %s', async (_, action, why) => {
  const error: unknown = await action().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(StepError);
  expect((error as StepError).message).toContain(why);
});

async function broken(line: string): Promise<string> {
  const step = join(folder, 'broken');
  await mkdir(step, { recursive: true });
  await writeFile(join(step, 'changelog.txt'), 'x\n');
  await writeFile(join(step, 'files.jsonl'), `${line}\n`);
  return step;
}
