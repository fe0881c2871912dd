import type { GitId } from '#libs/contracts';
import type { FileChange, FixSource } from '#libs/hotpatch';
import type { SourceTree } from '#libs/kbuild';
import type { TreeStore } from '#libs/trees';

/** A source tree in the tree store. */
export function storedTree(trees: TreeStore, tree: GitId): SourceTree {
  return { read: async (path) => await trees.readFile(tree, path) };
}

/** A fix between two trees of the store. */
export async function storedFix(trees: TreeStore, base: GitId, patched: GitId): Promise<FixSource> {
  const changes = (await trees.diff(base, patched)).map(({ path, before, after }): FileChange => {
    return { path, kind: before === undefined ? 'added' : after === undefined ? 'deleted' : 'modified' };
  });
  return { base: storedTree(trees, base), patched: storedTree(trees, patched), changes };
}
