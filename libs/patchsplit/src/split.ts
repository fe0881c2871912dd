import type { GitId, Series } from '#libs/contracts';
import type { CommitText, StoredCommit, TreeStore } from '#libs/trees';
import type { StepItem } from './changelog/changelog.js';

export interface SplitProgress {
  readonly phase: 'diff' | 'read' | 'attribute' | 'commit' | 'prove';
  /** Done and to do, in the phase's own units (files, commits). */
  readonly done: number;
  readonly total: number;
}

export interface SplitInput {
  readonly trees: TreeStore;
  /** Git ids of the two trees. */
  readonly base: GitId;
  readonly target: GitId;
  /** What the vendor says lies between them (`changelogStep`), the oldest first; without it all is remainder. */
  readonly changelog?: readonly StepItem[];
  /** The first commit of the series, on the base tree. Its author and date are also those of the remainders. */
  readonly root: CommitText;
  readonly onProgress?: (progress: SplitProgress) => void;
}

export interface SplitCounts {
  /** Without the root commit. */
  readonly commits: number;
  readonly attributed: number;
  readonly remainders: number;
  /** Files that differ between the trees. */
  readonly files: number;
  readonly hunks: number;
  readonly attributedHunks: number;
  readonly insertions: number;
  readonly deletions: number;
  /** Changelog items given, and those that found at least one hunk. */
  readonly subjects: number;
  readonly subjectsFound: number;
}

export interface SplitResult {
  /** Every commit but the root, in order. */
  readonly series: Series;
  /** The root first: one more than `series.commits`. */
  readonly commits: readonly StoredCommit[];
  readonly counts: SplitCounts;
  /** The last commit's tree, which equals the target's: otherwise `splitTrees` throws. */
  readonly proof: { readonly baseTree: GitId; readonly targetTree: GitId; readonly replayedTree: GitId };
}

/**
 * Breaks the step from one tree to another into a commit for each changelog item that finds its hunks, and remainder commits by
 * subsystem for all else. The series rebuilds the target bit for bit.
 * @throws SplitError, TreeError.
 */
export function splitTrees(_input: SplitInput): Promise<SplitResult> {
  return Promise.reject(new Error('the split is being written'));
}
