import type { GitId } from '#libs/contracts';

/** Git's file modes: what a source tree can hold. */
export type TreeMode = '100644' | '100755' | '120000';

export interface TreeEntry {
  /** Relative, `/`-separated, as bytes decoded with latin1 so that names that are no UTF-8 survive. */
  readonly path: string;
  readonly mode: TreeMode;
  readonly blob: GitId;
}

export interface TreeChange {
  readonly path: string;
  /** Absent for a file that appears. */
  readonly before?: { readonly mode: TreeMode; readonly blob: GitId };
  /** Absent for a file that vanishes. */
  readonly after?: { readonly mode: TreeMode; readonly blob: GitId };
}

export interface CommitText {
  readonly author: { readonly name: string; readonly email: string; readonly at: Date };
  readonly message: string;
}

export interface NewCommit extends CommitText {
  /** Changes against the commit before it; without `after` the file is deleted. Content as bytes or by blob id. */
  readonly changes: readonly {
    readonly path: string;
    readonly after?: { readonly mode: TreeMode; readonly content: Uint8Array | GitId };
  }[];
}

export interface StoredCommit {
  readonly commit: GitId;
  readonly tree: GitId;
}

/** A commit of a series, as its message tells of it. */
export interface SeriesEntry {
  readonly commit: GitId;
  readonly tree: GitId;
  readonly subject: string;
  /** Its label, for a commit of what no changelog entry explains. */
  readonly remainder?: string;
  /** As latin1 of their bytes, as a tree's. */
  readonly paths: readonly string[];
}

/** A file with its content. */
export interface TreeFile {
  readonly path: string;
  readonly content: Buffer;
}

/** What one commit changes: a unified diff without context, in the bytes of the files. */
export interface CommitDiff {
  readonly commit: GitId;
  readonly diff: Buffer;
}

/** A source tree, and the commits that lead from it to another. */
export interface StoredSeries {
  readonly baseTree: GitId;
  /** In order, without the one that is the base. */
  readonly commits: readonly SeriesEntry[];
  /** The full id of the only commit whose id begins so. @throws TreeError `commit-not-found` */
  commitOf(name: string): GitId;
  /** Reads a file of a tree or commit; undefined if it isn't there. @throws TreeError `too-large` above 64 MiB */
  readFile(tree: GitId, path: string): Promise<Buffer | undefined>;
  /** All files of a tree whose path is wanted, links left out, in order. @throws TreeError `too-large` above 64 MiB */
  files(tree: GitId, wanted: (path: string) => boolean): AsyncIterable<TreeFile>;
  /** What each commit changes, in order; with a path, only in that file, and without the commits that don't. */
  diffs(path?: string): Promise<readonly CommitDiff[]>;
  close(): Promise<void>;
}

export type TreeErrorCode =
  | 'tree-not-found'
  | 'path-not-found'
  | 'commit-not-found'
  /** A commit that a series is to stand on has another tree than the one that it begins with. */
  | 'other-tree'
  /** What is published is only ever added to. */
  | 'would-rewrite'
  | 'too-large'
  | 'timed-out'
  | 'patch-does-not-apply'
  /** The disk is full: may be tried again once it isn't. */
  | 'no-space'
  | 'tree-store-failed';

export class TreeError extends Error {
  override readonly name = 'TreeError';
  /** The object that was being read, where several are asked for at once. */
  object?: GitId;

  constructor(
    readonly code: TreeErrorCode,
    message: string,
    readonly paths: readonly string[] = [],
  ) {
    super(message);
  }
}

/** Writes one source tree while its archive streams by. Nothing is visible before `finish`. */
export interface TreeWriter {
  /** Adds a file or link. `content` of a link is its target. */
  add(path: string, mode: TreeMode, content: Uint8Array): Promise<void>;
  /** Adds a file that is the same as one added before: a hard link. */
  copy(from: string, to: string): Promise<void>;
  finish(): Promise<{ readonly tree: GitId; readonly files: number; readonly bytes: number }>;
  /** Throws away what was written. */
  abort(): Promise<void>;
}

/**
 * Source trees by their git tree id. A kernel is 1.5 GB in 79,000 files and two drops differ in 2 % of them, so a git
 * object database is the store: the second drop costs only what is new, a tree's id proves it bit for bit, and the split
 * series is a repository that anyone can clone.
 */
export abstract class TreeStore {
  abstract writeTree(): Promise<TreeWriter>;
  abstract hasTree(tree: GitId): Promise<boolean>;
  /** What differs between two trees, sorted by path. */
  abstract diff(before: GitId, after: GitId): Promise<readonly TreeChange[]>;
  /** All files of a tree, or those at or below the given paths ('' is the root), sorted by path. */
  abstract list(tree: GitId, under?: readonly string[]): Promise<readonly TreeEntry[]>;
  /** Reads blobs by id, in the order asked for. @throws TreeError `too-large` past `maxBytes` a blob (64 MiB when absent). */
  abstract readBlobs(blobs: readonly GitId[], maxBytes?: number): Promise<readonly Buffer[]>;
  /** Reads a file of a tree; undefined if it isn't there. */
  abstract readFile(tree: GitId, path: string): Promise<Buffer | undefined>;
  /**
   * Writes files of a tree below a folder, in place of what is there: those listed, and all below listed folders ('' is the
   * root). @throws TreeError `path-not-found` with the paths that the tree doesn't have.
   */
  abstract checkout(tree: GitId, paths: readonly string[], folder: string): Promise<void>;
  /**
   * Writes a root commit on `first.tree`, then each of `commits` on the one before it. Returns all, the root first. With `onto`, a
   * commit that has this tree already takes the root's place. @throws TreeError `other-tree`, `commit-not-found`
   */
  abstract commitSeries(
    first: CommitText & { readonly tree: GitId; readonly onto?: GitId },
    commits: readonly NewCommit[],
  ): Promise<readonly StoredCommit[]>;
  /** The patch from a commit's parent to it, as git writes it (full index, binary), in the bytes of the files. */
  abstract patchOf(commit: GitId): Promise<Buffer>;
  /** Applies a unified diff to a tree. @throws TreeError `patch-does-not-apply` with the paths that conflict. */
  abstract applyPatch(tree: GitId, patch: Uint8Array): Promise<GitId>;
  /** Reads the series of commits that ends there and stands on `onto`; on its root when absent. @throws TreeError `tree-not-found` */
  abstract series(head: GitId, onto?: GitId): Promise<StoredSeries>;
  /** Points a branch or tag at a commit, so that it can be cloned and is never collected. */
  abstract setRef(ref: string, commit: GitId): Promise<void>;
}
