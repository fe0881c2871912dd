import type { TreeChange, TreeStore } from '#libs/trees';
import type { StepItem } from '../changelog/changelog.js';
import { linesOf } from '../hunks/lines.js';
import { StepKeys } from './promising.js';

/** Files read at once: two versions of each are in memory. */
const batchFiles = 64;

/** Reads what a step changes as the keys that an index of commits is asked with. */
export async function stepKeys(
  trees: TreeStore,
  changes: readonly TreeChange[],
  items: readonly StepItem[],
): Promise<StepKeys> {
  const keys = new StepKeys(items.map(({ subject }) => subject));
  for (let start = 0; start < changes.length; start += batchFiles) {
    const batch = changes.slice(start, start + batchFiles);
    const ids = [...new Set(batch.flatMap(({ before, after }) => [before, after].flatMap((side) => side?.blob ?? [])))];
    const blobs = await trees.readBlobs(ids);
    const linesById = new Map(ids.map((id, at) => [id, linesOf(blobs[at] ?? Buffer.alloc(0))]));
    for (const { path, before, after } of batch) {
      keys.addFile({ path, before: linesById.get(before?.blob ?? ''), after: linesById.get(after?.blob ?? '') });
    }
  }
  return keys;
}
