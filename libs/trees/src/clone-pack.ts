import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitId } from '#libs/contracts';
import type { Git } from './git.js';
import { Quarantine } from './quarantine.js';
import { longestAnswerMs } from './upload-pack.js';

/** Where a repository names the packs that are in another one as well. */
const replacedFile = 'replaced';
/** After that nobody reads a pack any more that was replaced: no answer that began before takes so long. */
const keepReplacedMs = longestAnswerMs + 300_000;
const niceness = 19;
/** Bounds the search for deltas as upload-pack's is. */
const bounds = ['--threads=1', '--window-memory=64m', '--delta-base-offset', '--quiet'];

/** Packs what some commits reach, and others don't, as it is stored: nobody waits for what could be stored better. */
export async function packCommits(git: Git, commits: readonly GitId[], known: Iterable<GitId>): Promise<void> {
  const input = [...commits, ...[...known].map((commit) => `^${commit}`)].map((line) => `${line}\n`).join('');
  await git.run(['pack-objects', '--revs', '--window=0', ...bounds, packIn(git)], { input });
}

/**
 * Puts all that a public repository shows into one pack with a bitmap of what each commit reaches: git then sends that pack as it
 * stands, where it would look for 100,000 objects in trees and make deltas between packs for each clone anew. What was found for the
 * pack before is reused. Clones go on: the packs that it replaces stay until all who may read them are done. To be killed anywhere
 * leaves at most packs too many, which the next time unites.
 * @param incoming a folder on the same file system, for unfinished work
 * @returns after how many ms it is to be called again, for what could not be cleared away yet
 */
export async function packForClones(git: Git, incoming: string, signal?: AbortSignal): Promise<number | undefined> {
  const { gitDir } = git;
  const { replaced, waitMs } = await clearReplaced(gitDir);
  const packs = (await packsOf(gitDir)).filter(({ name }) => !replaced.has(name));
  if (packs.length === 0 || (packs.length === 1 && packs[0]?.hasBitmap)) return waitMs;
  const objects = join(gitDir, 'objects');
  const quarantine = await Quarantine.open(incoming, { from: [objects], to: objects });
  try {
    // Git makes bitmaps only of all that a repository's own refs reach.
    const refs = await git.run(['for-each-ref', '--format=%(objectname) %(refname)']);
    await writeFile(join(quarantine.git.gitDir, 'packed-refs'), refs);
    // What fast-import wrote is stored quickly and not well; once it is stored well, it is taken over as it is.
    const anew = packs.some(({ hasBitmap }) => hasBitmap) ? [] : ['--no-reuse-object', '--compression=6'];
    const args = ['pack-objects', '--all', '--write-bitmap-index', ...anew, ...bounds, packIn(quarantine.git)];
    await quarantine.git.run(args, { signal, niceness });
    const made = await quarantine.promote();
    for (const name of await namesWithin(
      git,
      made,
      packs.map(({ name }) => name),
    ))
      replaced.add(name);
    for (const name of made) replaced.delete(name);
    await noteReplaced(gitDir, replaced);
    // Of several bitmaps git reads one.
    for (const name of replaced) await rm(join(objects, 'pack', `${name}.bitmap`), { force: true });
    return replaced.size > 0 ? keepReplacedMs : undefined;
  } catch (error) {
    await quarantine.discard();
    throw error;
  }
}

/** Removes the packs that were replaced so long ago that nobody reads them, and tells of those that have to stay. */
async function clearReplaced(gitDir: string): Promise<{ replaced: Set<string>; waitMs: number | undefined }> {
  const file = join(gitDir, replacedFile);
  const text = await readFile(file, 'latin1').catch(() => undefined);
  const replaced = new Set(text?.split('\n').filter((name) => /^pack-[0-9a-f]+$/.test(name)));
  if (text === undefined) return { replaced, waitMs: undefined };
  const waitMs = (await stat(file)).mtimeMs + keepReplacedMs - Date.now();
  if (waitMs > 0) return { replaced, waitMs };
  for (const name of replaced) {
    // Without its index a pack is none.
    for (const end of ['idx', 'bitmap', 'pack'])
      await rm(join(gitDir, 'objects', 'pack', `${name}.${end}`), { force: true });
  }
  await rm(file, { force: true });
  return { replaced: new Set(), waitMs: undefined };
}

/**
 * Those of some packs of which each object is in the new ones. Another publication may have brought a pack whose commits no ref
 * showed yet when the refs were read: that one stays.
 */
async function namesWithin(git: Git, made: readonly string[], names: readonly string[]): Promise<readonly string[]> {
  const there = new Set((await Promise.all(made.map((name) => objectsOf(git, name)))).flat());
  const within: string[] = [];
  for (const name of names) {
    if ((await objectsOf(git, name)).every((object) => there.has(object))) within.push(name);
  }
  return within;
}

async function objectsOf(git: Git, pack: string): Promise<readonly GitId[]> {
  const input = await readFile(join(git.gitDir, 'objects', 'pack', `${pack}.idx`));
  const lines = (await git.run(['show-index'], { input })).toString('latin1').split('\n').slice(0, -1);
  return lines.map((line) => line.split(' ')[1] ?? '');
}

async function noteReplaced(gitDir: string, replaced: ReadonlySet<string>): Promise<void> {
  const file = join(gitDir, replacedFile);
  await writeFile(`${file}.new`, [...replaced].map((name) => `${name}\n`).join(''));
  await rename(`${file}.new`, file);
}

async function packsOf(gitDir: string): Promise<{ readonly name: string; readonly hasBitmap: boolean }[]> {
  const names = new Set(await readdir(join(gitDir, 'objects', 'pack')));
  return [...names]
    .filter((name) => /^pack-[0-9a-f]+\.idx$/.test(name))
    .map((name) => name.slice(0, -'.idx'.length))
    .map((name) => ({ name, hasBitmap: names.has(`${name}.bitmap`) }));
}

function packIn({ gitDir }: Git): string {
  return join(gitDir, 'objects', 'pack', 'pack');
}
