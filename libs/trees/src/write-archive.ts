import type { ArchiveEntry } from '#libs/archive';
import type { GitId } from '#libs/contracts';
import type { TreeStore } from './port.js';

export interface WrittenTree {
  readonly tree: GitId;
  readonly files: number;
  readonly bytes: number;
}

/** Largest file of a source tree: fast-import is given it whole. The kernel's largest has 23 MB. */
const maxFileBytes = 256 * 2 ** 20;
/** How many files pass between two calls of `onProgress`. */
const progressStep = 500;

/**
 * Writes what an archive holds as a tree, while it streams by; nothing is kept if the archive turns out to be bad.
 * @throws ArchiveError, TreeError.
 */
export async function writeArchive(
  trees: TreeStore,
  entries: AsyncIterable<ArchiveEntry>,
  onProgress?: (done: { readonly files: number; readonly bytes: number }) => void,
): Promise<WrittenTree> {
  const writer = await trees.writeTree();
  const done = { files: 0, bytes: 0 };
  try {
    for await (const entry of entries) {
      if (entry.kind === 'directory') continue;
      const target = entry.linkTarget ?? '';
      if (entry.kind === 'symlink') await writer.add(entry.path, '120000', Buffer.from(target, 'latin1'));
      else if (entry.kind === 'hardlink') await writer.copy(target, entry.path);
      else await writer.add(entry.path, entry.mode & 0o100 ? '100755' : '100644', await entry.bytes(maxFileBytes));
      done.files += 1;
      done.bytes += entry.sizeBytes;
      if (done.files % progressStep === 0) onProgress?.(done);
    }
    return await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
