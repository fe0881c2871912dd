import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Applying, splitByGit } from './by-git.js';
import { gitAm } from './git-am.js';
import { gitApply } from './git-apply.js';

/** Upstream's file has other lines at 8 and 18 than the vendor's. */
const vendors = (changed: Readonly<Record<number, string>>): string =>
  Array.from({ length: 30 }, (_, at) => `${changed[at + 1] ?? `line ${at + 1}`}\n`).join('');
const upstreams = (changed: Readonly<Record<number, string>>): string =>
  vendors({ 8: 'upstream 8', 18: 'upstream 18', ...changed });

let folder: string;
let upstream: string;

const git = (...args: string[]): string =>
  execFileSync('git', ['-C', upstream, '-c', 'user.name=x', '-c', 'user.email=x@example.org', ...args], {
    encoding: 'utf8',
  }).trim();

function commit(subject: string, changed: Readonly<Record<number, string>>): string {
  writeFileSync(join(upstream, 'file'), upstreams(changed));
  git('add', 'file');
  git('commit', '--quiet', '--message', subject);
  return git('rev-parse', 'HEAD');
}

function archive(side: string, text: string): void {
  mkdirSync(join(folder, side));
  writeFileSync(join(folder, side, 'file'), text);
  execFileSync('tar', ['-cf', join(folder, `${side}.tar`), '-C', folder, side]);
}

const names = new Map<string, string>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'by-git-'));
  upstream = join(folder, 'repos/upstream');
  mkdirSync(upstream, { recursive: true });
  git('init', '--quiet');
  const base = commit('base', {});
  names.set(commit('beside', { 11: 'fixed 11' }), 'beside');
  names.set(commit('over', { 11: 'fixed 11', 18: 'fixed 18' }), 'over');
  names.set(commit('plain', { 11: 'fixed 11', 18: 'fixed 18', 28: 'fixed 28' }), 'plain');
  const mails = git('log', '--reverse', '--pretty=email', '--stat', '-p', '--full-index', `${base}..HEAD`);
  writeFileSync(join(folder, 'candidates.mbox'), `${mails}\n`);
  const items = ['beside', 'over', 'plain'].map((subject) => `    - ${subject}\n`).join('');
  writeFileSync(
    join(folder, 'changelog.txt'),
    `x (2-1) stable; urgency=medium\n\n  * New upstream update:\n${items}\n -- V <v@example.org>  Mon, 16 Nov 2026 11:17:40 +0100\n`,
  );
  archive('a', vendors({}));
  archive('b', vendors({ 11: 'fixed 11', 28: 'fixed 28' }));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What it committed, and whether it was ended. */
async function madeBy(name: string, applying: Applying, limitSec = 60): Promise<readonly [string[], boolean]> {
  const out = join(folder, name);
  const { isCut } = await splitByGit(folder, out, applying, { repos: join(folder, 'repos'), limitSec });
  const log = (range: string, format: string): string[] =>
    execFileSync('git', ['-C', out, 'log', '--reverse', `--format=${format}`, range], { encoding: 'utf8' }).split('\n');
  expect(execFileSync('git', ['-C', out, 'show', 'HEAD:file'], { encoding: 'utf8' })).toBe(
    vendors({ 11: 'fixed 11', 28: 'fixed 28' }),
  );
  const ids = log('HEAD', '%(trailers:key=Upstream-commit,valueonly)');
  return [ids.flatMap((id) => names.get(id) ?? []), isCut];
}

test('git am leaves out what has another line around it', async () => {
  expect(await madeBy('am', gitAm())).toEqual([['plain'], false]);
});

test.each([
  ['git am -3', gitAm('--3way')],
  ['git apply -3', gitApply('--3way')],
])('%s merges what has another line beside it, and leaves out what changes another line', async (name, applying) => {
  expect(await madeBy(name.replaceAll(' ', ''), applying)).toEqual([['beside', 'plain'], false]);
});

test('what has no time left is cut, and the rest is one remainder', async () => {
  expect(await madeBy('cut', gitApply('--3way'), 0)).toEqual([[], true]);
});
