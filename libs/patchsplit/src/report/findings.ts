import type { EvidenceKind, UnfoundEntry, UnusedCandidate, UnusedReason, UpstreamDifference } from './schema.js';

/** What a split knows of one of its commits, and a repository doesn't. */
export interface CommitFindings {
  readonly evidence: readonly EvidenceKind[];
  readonly difference?: UpstreamDifference;
  /** Of each file that it changes, the confidence of each hunk in order. */
  readonly hunks: ReadonlyMap<string, readonly number[]>;
}

export interface CandidateFindings {
  readonly looked: number;
  readonly used: number;
  readonly unused: Readonly<Record<UnusedReason, number>>;
  readonly named: readonly UnusedCandidate[];
}

/** What a report tells besides what can be read off the series. */
export interface Findings {
  /** One for each commit of the series, in order. */
  readonly commits: readonly CommitFindings[];
  readonly unfound: readonly UnfoundEntry[];
  readonly candidates?: CandidateFindings;
}
