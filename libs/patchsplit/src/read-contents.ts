import type { GitId } from '#libs/contracts';
import { TreeError, type TreeStore } from '#libs/trees';

/** A file by its path, which may be in several versions, and by its content. */
export interface NamedBlob {
  readonly path: string;
  readonly blob: GitId;
}

/** The contents of files, in order. A store knows them by ids: what it says of one is said of the file. @throws TreeError */
export async function readContents(trees: TreeStore, files: readonly NamedBlob[]): Promise<readonly Buffer[]> {
  try {
    return await trees.readBlobs(files.map(({ blob }) => blob));
  } catch (error) {
    if (!(error instanceof TreeError)) throw error;
    const named = files.find(({ blob }) => blob === error.object);
    if (!named) throw error;
    const path = Buffer.from(named.path, 'latin1').toString();
    throw new TreeError(error.code, `${path}: ${error.message}`, [named.path]);
  }
}
