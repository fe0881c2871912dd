import type { SourceFile } from '#libs/kbuild';

/** A commit of a series. */
export interface SeriesCommit {
  readonly commit: string;
  readonly subject: string;
  /** Its label, for a commit of changes that nothing explains: no fix of its own. */
  readonly remainder?: string;
  readonly paths: readonly string[];
}

/** The commits that lead from the source of a kernel to a later one, and the source they begin with. */
export interface FixSeries {
  /** The source's tree. */
  readonly baseTree: string;
  /** In order. */
  readonly commits: readonly SeriesCommit[];
  /** Reads a file of a tree; undefined if it isn't there. */
  readFile(tree: string, path: string): Promise<Buffer | undefined>;
  /** All files of a tree whose path is wanted. */
  files(tree: string, wanted: (path: string) => boolean): AsyncIterable<SourceFile>;
  /** What each commit changes, in order, as git's diff without context; with a path, only in that file. */
  diffs(path?: string): Promise<readonly { readonly commit: string; readonly diff: Uint8Array }[]>;
}

/** A commit that a fix can't do without, and that comes along with it. */
export interface BroughtCommit {
  readonly commit: string;
  readonly subject: string;
  /** E.g. `brings mptcp_pm_is_init_remote_addr`, `its lines in fs/pipe.c are changed`. */
  readonly why: string;
}
