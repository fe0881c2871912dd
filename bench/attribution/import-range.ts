// Makes a step of the commits between two releases of a git repository, whose truth is a replay of them.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { deltaOf, type FileDelta, type FileSide, linesOf } from '#libs/patchsplit';
import { type CommitDiff, type FileRecord, historiesOf } from '#libs/series';
import { GitTreeStore, type SeriesEntry, type TreeChange, type TreeStore } from '#libs/trees';
import { changelogOf, type ImportOptions } from './changelog.js';
import { type Step, StepError } from './step.js';

const run = promisify(execFile);

/**
 * Reads a range of commits along first parents as if it were a vendor's step: what differs between its ends, and a changelog of subjects. A
 * merge is one change of which no changelog tells. Nothing is written to the repository.
 * @throws StepError if the range is none or has no commits
 */
export async function importRange(repo: string, range: string, options: ImportOptions): Promise<Omit<Step, 'name'>> {
  const [older, newer] = await endsOf(repo, range);
  const scratch = await mkdtemp(join(tmpdir(), 'bench-attribution-'));
  try {
    const trees = await borrowed(repo, scratch);
    const series = await trees.series(newer, older);
    try {
      const { commits, baseTree } = series;
      const target = commits.at(-1)?.tree;
      if (target === undefined) throw new StepError(`${range} has no commits: name the older end first`);
      const changes = await trees.diff(baseTree, target);
      const files: FileDelta[] = [];
      const truth: ReadonlyMap<string, number>[] = [];
      for await (const { delta, owners } of comparedFiles(trees, changes, commits, await series.diffs())) {
        files.push(delta);
        truth.push(...owners.map((byCommit) => subjectsOf(byCommit, commits)));
      }
      return { subjects: changelogOf(commits, options), files, truth };
    } finally {
      await series.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function endsOf(repo: string, range: string): Promise<readonly [string, string]> {
  const [, older, newer] = /^([^.\s-]\S*?)\.\.([^.\s-]\S*)$/.exec(range) ?? [];
  if (older === undefined || newer === undefined) throw new StepError(`${range} is no range: write OLDER..NEWER`);
  const idOf = async (name: string): Promise<string> =>
    (await git(repo, 'rev-parse', '--verify', '--quiet', `${name}^{commit}`)) ||
    Promise.reject(new StepError(`${repo} has no commit ${name}`));
  return [await idOf(older), await idOf(newer)];
}

async function git(repo: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run('git', ['-C', repo, ...args]).catch(() => ({ stdout: '' }));
  return stdout.trim();
}

/** A store of its own that reads the repository's objects. */
async function borrowed(repo: string, scratch: string): Promise<TreeStore> {
  const objects = await git(repo, 'rev-parse', '--git-path', 'objects');
  if (objects === '') throw new StepError(`${repo} is no git repository`);
  await mkdir(join(scratch, 'objects/info'), { recursive: true });
  await writeFile(join(scratch, 'objects/info/alternates'), `${resolve(repo, objects)}\n`);
  return new GitTreeStore(scratch);
}

interface Compared {
  readonly delta: FileDelta;
  /** For each hunk: by the commit's place, how many of its lines. */
  readonly owners: readonly ReadonlyMap<number, number>[];
}

/** Each file that differs, compared as the split compares it, beside the replay of its commits. */
async function* comparedFiles(
  trees: TreeStore,
  changes: readonly TreeChange[],
  commits: readonly SeriesEntry[],
  diffs: readonly CommitDiff[],
): AsyncGenerator<Compared> {
  const byPath = new Map(changes.map((change) => [change.path, change]));
  const read = async (side: TreeChange['before']): Promise<Buffer | undefined> =>
    side && (await trees.readBlobs([side.blob]))[0];
  const basesOf = async (paths: readonly string[]): Promise<(string | undefined)[]> =>
    await Promise.all(paths.map(async (path) => (await read(byPath.get(path)?.before))?.toString('latin1')));
  const ids = commits.map(({ commit }) => commit);
  for await (const record of historiesOf(ids, diffs, basesOf)) {
    const change = byPath.get(record.path);
    // It changed and changed back.
    if (!change) continue;
    const [old, fresh] = [await read(change.before), await read(change.after)];
    const delta = deltaOf(record.path, sideOf(change.before, old), sideOf(change.after, fresh));
    yield { delta, owners: ownersOf(delta, record) };
  }
}

function sideOf(side: TreeChange['before'], content: Buffer | undefined): FileSide | undefined {
  return side && { mode: side.mode, lines: content && linesOf(content) };
}

/** Whose the lines of each hunk are: who took the old ones and brought the new. A commit that alone changes a file has all of it. */
function ownersOf({ hunks }: FileDelta, { diffs, history }: FileRecord): ReadonlyMap<number, number>[] {
  const lines = history?.owners() ?? { taken: [], brought: [] };
  const [[only] = [], second] = diffs;
  let shift = 0;
  return hunks.map(({ at, removed, added }) => {
    const owners = new Map<number, number>();
    if (only !== undefined && !second) {
      const size = removed.length + added.length;
      return size === 0 ? owners : owners.set(only, size);
    }
    const to = at + shift;
    for (const owner of [
      ...lines.taken.slice(at, at + removed.length),
      ...lines.brought.slice(to, to + added.length),
    ]) {
      if (owner !== undefined) owners.set(owner, (owners.get(owner) ?? 0) + 1);
    }
    shift += added.length - removed.length;
    return owners;
  });
}

function subjectsOf(byCommit: ReadonlyMap<number, number>, commits: readonly SeriesEntry[]): Map<string, number> {
  const owners = new Map<string, number>();
  for (const [commit, lines] of byCommit) {
    const subject = commits[commit]?.subject ?? '';
    owners.set(subject, (owners.get(subject) ?? 0) + lines);
  }
  return owners;
}
