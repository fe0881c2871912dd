import type { GitId } from '#libs/contracts';
import type { TreeChange, TreeEntry, TreeStore } from '#libs/trees';
import type { Candidate } from '../candidates/candidate.js';
import { readContents } from '../read-contents.js';
import type { Versions } from './reconstruct.js';
import type { FileVersion } from './woven-tree.js';

const batchFiles = 256;

/** Reads both versions of the files that differ, and the one of those that don't and candidates touch. */
export async function readVersions(
  trees: TreeStore,
  base: GitId,
  changes: readonly TreeChange[],
  candidates: readonly Candidate[],
): Promise<Versions> {
  const changed = new Set(changes.map(({ path }) => path));
  const paths = new Set(
    candidates.flatMap(({ files }) => files.flatMap(({ from, to }) => [from, to].flatMap((path) => path ?? []))),
  );
  const same = (await trees.list(base)).filter(({ path }) => paths.has(path) && !changed.has(path));
  const before = await readAll(trees, sidesOf(changes, 'before'));
  const after = await readAll(trees, sidesOf(changes, 'after'));
  for (const [path, version] of await readAll(trees, same)) {
    before.set(path, version);
    after.set(path, version);
  }
  return { base: before, target: after };
}

function sidesOf(changes: readonly TreeChange[], side: 'before' | 'after'): TreeEntry[] {
  return changes.flatMap((change) => {
    const version = change[side];
    return version ? [{ path: change.path, ...version }] : [];
  });
}

async function readAll(trees: TreeStore, entries: readonly TreeEntry[]): Promise<Map<string, FileVersion>> {
  const files = new Map<string, FileVersion>();
  for (let start = 0; start < entries.length; start += batchFiles) {
    const batch = entries.slice(start, start + batchFiles);
    const contents = await readContents(trees, batch);
    for (const [at, { path, mode }] of batch.entries()) {
      const content = contents[at];
      if (content) files.set(path, { mode, content });
    }
  }
  return files;
}
