import { lstat, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitId } from '#libs/contracts';
import { readBlobs } from './blobs.js';
import type { Git } from './git.js';
import { foldersOf, listTree } from './listing.js';
import { type TreeEntry, TreeError } from './port.js';

const maxFileBytes = 2 ** 30;

/** Writes files of a tree below `folder`, in place of what is there. @throws TreeError `path-not-found` with those that aren't in it. */
export async function checkoutFiles(git: Git, tree: GitId, paths: readonly string[], folder: string): Promise<void> {
  const entries = await listTree(git, tree, paths);
  const found = new Set(entries.flatMap(({ path }) => [path, ...foldersOf(path)]));
  const missing = paths.map((path) => path.replace(/\/+$/, '')).filter((path) => path !== '' && !found.has(path));
  if (missing.length > 0) throw new TreeError('path-not-found', `not in the tree: ${missing.join(', ')}`, missing);
  const contents = readBlobs(
    git,
    entries.map(({ blob }) => blob),
    maxFileBytes,
  );
  const safe = new Set<string>();
  let at = 0;
  for await (const content of contents) {
    const entry = entries[at];
    at += 1;
    if (entry) await writeEntry(entry, content, folder, safe);
  }
}

async function writeEntry(entry: TreeEntry, content: Buffer, folder: string, safe: Set<string>): Promise<void> {
  const parents = foldersOf(entry.path);
  for (const parent of parents.toReversed()) await ownFolder(fileName(folder, parent), parent, safe);
  const file = fileName(folder, entry.path);
  await rm(file, { force: true, recursive: true });
  if (entry.mode === '120000') await symlink(content, file);
  // `wx` never writes through a link that somebody put there in the meantime.
  else await writeFile(file, content, { flag: 'wx', mode: entry.mode === '100755' ? 0o755 : 0o644 });
}

/** Makes sure that a folder is a folder and no link that leads out of the checkout. */
async function ownFolder(name: Buffer, path: string, safe: Set<string>): Promise<void> {
  if (safe.has(path)) return;
  const stat = await lstat(name).catch(() => undefined);
  if (stat && !stat.isDirectory())
    throw new TreeError('tree-store-failed', `${path} is no folder where it is checked out`);
  if (!stat) await mkdir(name, { recursive: true });
  safe.add(path);
}

/** A file's name in the file system's bytes: paths of trees are latin1. */
function fileName(folder: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(join(folder, '/')), Buffer.from(path, 'latin1')]);
}
