import type { TreeChange, TreeStore } from '#libs/trees';
import { deltaOf, type FileSide, wholeDelta } from './hunks/delta.js';
import { bytesOf, linesOf } from './hunks/lines.js';
import { readContents } from './read-contents.js';
import { compose } from './weave/compose.js';
import type { ChangedFile } from './weave/weave.js';

/** Files read at once: two versions of each are in memory. */
const batchFiles = 64;

/** Reads the changed files and compares each; old contents are kept where hunks will be applied to them. */
export async function readChanges(
  trees: TreeStore,
  changes: readonly TreeChange[],
  onProgress: (done: number) => void,
): Promise<ChangedFile[]> {
  const files: ChangedFile[] = [];
  for (let start = 0; start < changes.length; start += batchFiles) {
    const batch = changes.slice(start, start + batchFiles);
    const paths = new Map(
      batch.flatMap(({ path, before, after }) =>
        [before, after].flatMap((side) => (side ? [[side.blob, path] as const] : [])),
      ),
    );
    const blobs = await readContents(
      trees,
      [...paths].map(([blob, path]) => ({ path, blob })),
    );
    const contents = new Map([...paths.keys()].map((id, index) => [id, blobs[index]]));
    for (const change of batch) {
      files.push(changedFile(change, contents.get(change.before?.blob ?? ''), contents.get(change.after?.blob ?? '')));
    }
    onProgress(files.length);
  }
  return files;
}

/** Compares the two versions of a file; a side that isn't there has no content. */
export function changedFile(change: TreeChange, old: Buffer | undefined, fresh: Buffer | undefined): ChangedFile {
  const { path, before, after } = change;
  const oldLines = old && linesOf(old);
  const freshLines = fresh && linesOf(fresh);
  const delta = deltaOf(path, sideOf(before, oldLines), sideOf(after, freshLines));
  if (delta.whole || !old || !fresh || !oldLines) return { change, delta };
  // A file that its hunks don't rebuild would spoil the series: it goes as a whole instead.
  if (!bytesOf(compose(oldLines, delta.hunks)).equals(fresh)) {
    return { change, delta: wholeDelta(path, oldLines, freshLines) };
  }
  return { change, delta, before: Buffer.from(old) };
}

function sideOf(entry: TreeChange['before'], lines: readonly string[] | undefined): FileSide | undefined {
  return entry && { mode: entry.mode, lines };
}
