import type { GitId } from '#libs/contracts';
import type { FileChange, FixSource } from '#libs/hotpatch';
import type { SourceFile, SourceTree } from '#libs/kbuild';
import type { TreeStore } from '#libs/trees';

/** A source tree in the tree store. */
export function storedTree(trees: TreeStore, tree: GitId): SourceTree {
  return {
    read: async (path) => await trees.readFile(tree, path),
    walk: { identity: () => Promise.resolve(tree), files: (wanted) => filesOf(trees, tree, wanted) },
  };
}

/** Blobs that are read, and held, at once. */
const batch = 256;

async function* filesOf(trees: TreeStore, tree: GitId, wanted: (path: string) => boolean): AsyncGenerator<SourceFile> {
  const entries = (await trees.list(tree)).filter(({ path, mode }) => mode !== '120000' && wanted(path));
  for (let at = 0; at < entries.length; at += batch) {
    const part = entries.slice(at, at + batch);
    const contents = await trees.readBlobs(part.map(({ blob }) => blob));
    for (const [index, { path }] of part.entries()) {
      const content = contents[index];
      if (content !== undefined) yield { path, content };
    }
  }
}

/** A fix between two trees of the store. */
export async function storedFix(trees: TreeStore, base: GitId, patched: GitId): Promise<FixSource> {
  const changes = (await trees.diff(base, patched)).map(({ path, before, after }): FileChange => {
    return { path, kind: before === undefined ? 'added' : after === undefined ? 'deleted' : 'modified' };
  });
  return { base: storedTree(trees, base), patched: storedTree(trees, patched), changes };
}
