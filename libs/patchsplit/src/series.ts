import type { Series, SeriesCommit } from '#libs/contracts';
import type { StoredCommit } from '#libs/trees';
import { subjectOf } from './message.js';
import type { PlannedCommit } from './plan.js';
import type { CommitFindings } from './report/findings.js';
import type { ChangedFile } from './weave/weave.js';

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

interface LineCounts {
  readonly insertions: number;
  readonly deletions: number;
  readonly hunks: number;
}

/** What a planned commit came to, as the series' list has it. @param commits the root first. */
export function seriesOf(
  files: readonly ChangedFile[],
  plan: readonly PlannedCommit[],
  commits: readonly StoredCommit[],
): Series['commits'] {
  return plan.map((planned, order): SeriesCommit => {
    const parent = commits[order];
    const stored = commits[order + 1];
    if (!parent || !stored) throw new RangeError('a planned commit was not stored');
    const { item, label, confidence, changes } = planned;
    const { insertions, deletions } = linesOfCommit(files, planned);
    return {
      commit: stored.commit,
      parent: parent.commit,
      tree: stored.tree,
      kind: item ? 'attributed' : 'remainder',
      subject: subjectOf(planned),
      ...(item ? { changelogEntry: item.subject } : {}),
      ...(label === undefined ? {} : { label }),
      cves: item?.cves ?? [],
      confidence,
      paths: changes.map(({ file }) => files[file]?.change.path ?? ''),
      insertions,
      deletions,
    };
  });
}

/** What the changelog's words make of a commit; nothing speaks for a remainder. */
export function findingsOfPlanned(files: readonly ChangedFile[], { evidence, changes }: PlannedCommit): CommitFindings {
  const hunks = changes.map(({ file, confidences }) => [files[file]?.change.path ?? '', confidences] as const);
  return { evidence, hunks: new Map(hunks) };
}

export function countsOf(files: readonly ChangedFile[], plan: readonly PlannedCommit[], subjects: number): SplitCounts {
  const all = sumOf(plan.map((planned) => linesOfCommit(files, planned)));
  const attributed = plan.filter(({ item }) => item !== undefined);
  const own = sumOf(attributed.map((planned) => linesOfCommit(files, planned)));
  return {
    commits: plan.length,
    attributed: attributed.length,
    remainders: plan.length - attributed.length,
    files: files.length,
    hunks: all.hunks,
    attributedHunks: own.hunks,
    insertions: all.insertions,
    deletions: all.deletions,
    subjects,
    subjectsFound: attributed.length,
  };
}

function linesOfCommit(files: readonly ChangedFile[], { changes }: PlannedCommit): LineCounts {
  return sumOf(
    changes.flatMap(({ file, hunks }) =>
      hunks.map((hunk) => {
        const lines = files[file]?.delta.hunks[hunk];
        return { insertions: lines?.added.length ?? 0, deletions: lines?.removed.length ?? 0, hunks: 1 };
      }),
    ),
  );
}

function sumOf(counts: readonly LineCounts[]): LineCounts {
  const sum = { insertions: 0, deletions: 0, hunks: 0 };
  for (const { insertions, deletions, hunks } of counts) {
    sum.insertions += insertions;
    sum.deletions += deletions;
    sum.hunks += hunks;
  }
  return sum;
}
