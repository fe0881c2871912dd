import type { GitId } from '#libs/contracts';
import type { ReportedSource, SplitCounts, SplitResult, StepItem } from '#libs/patchsplit';
import type { CommitText } from '#libs/trees';

/** A step from one tree to another, with all that is known of it. */
export interface Step {
  readonly base: GitId;
  readonly target: GitId;
  readonly changelog: readonly StepItem[];
  readonly earlier: readonly string[];
  readonly root: CommitText;
  readonly onto?: GitId | undefined;
  /** For the report. */
  readonly from: ReportedSource;
  readonly to: ReportedSource;
}

/** What a step was broken into; its commits are in the tree store. */
export interface StepSplit {
  /** `seriesSchema`, as JSON. */
  readonly series: Uint8Array;
  /** `splitReportSchema`, as JSON. */
  readonly report: Uint8Array;
  /** The root commit, and the last one. */
  readonly onto: GitId;
  readonly head: GitId;
  readonly counts: SplitCounts;
  readonly proof: SplitResult['proof'];
}

/** Breaks steps into commits. */
export abstract class Splitter {
  /** @throws SplitError, TreeError, ThreadError; all by name and code alone */
  abstract split(step: Step): Promise<StepSplit>;
}
