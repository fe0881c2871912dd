/** One hunk of a patch, as `@@ -oldStart +newStart @@ section` has it. */
export interface PatchHunk {
  /** Line of the old file that it begins at, from 1; 0 for an empty file. */
  readonly oldStart: number;
  /** What follows the second `@@`: the function it stands in, as git guesses it. */
  readonly section: string;
  /** One of ` `, `-`, `+` for each of `lines`. */
  readonly signs: string;
  /** With their ends, as latin1; one without a newline has none in the file either. */
  readonly lines: readonly string[];
}

/** One direction of a `GIT binary patch`: the whole content, or a delta (pack format) on the other side's. */
export interface BinaryChange {
  readonly method: 'literal' | 'delta';
  readonly data: Buffer;
}

/** What a patch does to one file. Paths are bytes decoded as latin1, as those of trees are. */
export interface FilePatch {
  /** Absent for a file that appears. */
  readonly from?: string;
  /** Absent for a file that vanishes. */
  readonly to?: string;
  readonly copied: boolean;
  /** The mode afterwards, where the patch names one. */
  readonly mode?: string;
  /** The mode before, where the patch changes it. */
  readonly oldMode?: string;
  readonly hunks: readonly PatchHunk[];
  readonly binary?: BinaryChange;
}

/** A commit of somebody else's that may be what the vendor took. */
export interface Candidate {
  /** The upstream commit's id, where its source tells. */
  readonly id?: string;
  readonly author: { readonly name: string; readonly email: string; readonly at: Date };
  readonly subject: string;
  /** What follows the subject, without diffstat. */
  readonly body: string;
  readonly files: readonly FilePatch[];
}

export type CandidateErrorCode =
  /** Nothing in it that git would apply: no diff, or headers of no mail. */
  | 'no-patch'
  /** A hunk whose counts don't fit its lines, a binary that doesn't unpack, a path that leads out of the tree. */
  | 'malformed'
  /** Over the bounds on bytes, files or hunks. */
  | 'too-large';

/** Something given as a candidate that is none; what is wrong with it is said in a notice. */
export class CandidateError extends Error {
  override readonly name = 'CandidateError';
  constructor(
    readonly code: CandidateErrorCode,
    message: string,
  ) {
    super(message);
  }
}
