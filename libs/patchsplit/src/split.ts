import type { GitId, Series } from '#libs/contracts';
import type { CommitText, NewCommit, StoredCommit, TreeStore } from '#libs/trees';
import type { Candidate } from './candidates/candidate.js';
import type { StepItem } from './changelog/changelog.js';
import { messageOf } from './message.js';
import { type PlannedCommit, planSplit } from './plan.js';
import { readChanges } from './read-changes.js';
import type { Findings } from './report/findings.js';
import { unfoundEntries } from './report/unfound.js';
import { countsOf, findingsOfPlanned, seriesOf, type SplitCounts } from './series.js';
import { type ChangedFile, Weave } from './weave/weave.js';
import { splitByCandidates, type WovenSplit } from './woven-split.js';

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
  /** Subjects of the entries before the step: what they name is in the older tree. */
  readonly earlier?: readonly string[];
  /** Upstream commits that the vendor may have taken, in any order, with others among them. */
  readonly candidates?: readonly Candidate[];
  /** The first commit of the series, on the base tree. Its author is also that of the remainders. */
  readonly root: CommitText;
  /** A commit on the base tree that the series goes on from: it takes the root's place. */
  readonly onto?: GitId;
  readonly onProgress?: (progress: SplitProgress) => void;
}

export interface SplitResult {
  /** Every commit but the root, in order. */
  readonly series: Series;
  /** The root first: one more than `series.commits`. */
  readonly commits: readonly StoredCommit[];
  readonly counts: SplitCounts;
  /** What was not looked at in full, and why. */
  readonly notices: readonly string[];
  readonly findings: Findings;
  /** The last commit's tree, which equals the target's: otherwise `splitTrees` throws. */
  readonly proof: { readonly baseTree: GitId; readonly targetTree: GitId; readonly replayedTree: GitId };
}

export type SplitErrorCode =
  /** The series doesn't end in the target's tree: a bug here or in the store. */ 'not-recomposed';

export class SplitError extends Error {
  override readonly name = 'SplitError';
  constructor(
    readonly code: SplitErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Breaks the step from one tree to another into the commits that candidates and the changelog tell of, and remainder commits by
 * subsystem for all else. The series rebuilds the target bit for bit.
 * @throws SplitError, TreeError.
 */
export async function splitTrees(input: SplitInput): Promise<SplitResult> {
  const { trees, target, candidates = [] } = input;
  let given = candidates;
  for (let attempt = 1; ; attempt++) {
    const result = await splitOnce({ ...input, candidates: given });
    const { replayedTree } = result.proof;
    if (replayedTree === target) return result;
    if (given.length === 0) {
      throw new SplitError('not-recomposed', `the series ends in tree ${replayedTree} instead of ${target}`);
    }
    // What candidates do to a file that came out wrong is not used; after that, none of them is.
    const wrong = new Set((await trees.diff(replayedTree, target)).map(({ path }) => path));
    given = attempt > 1 ? [] : candidates.map((candidate) => withoutFiles(candidate, wrong));
  }
}

const namesAlone =
  'the prefixes of this changelog name areas that many commits cross, so an entry was given only what has its own words: ' +
  'most of the step stays in the remainders. Upstream’s commits (--candidates) would tell whose it is';

function withoutFiles(candidate: Candidate, paths: ReadonlySet<string>): Candidate {
  const files = candidate.files.filter(({ from, to }) => !paths.has(from ?? '') && !paths.has(to ?? ''));
  return { ...candidate, files };
}

async function splitOnce(input: SplitInput): Promise<SplitResult> {
  const { trees, base, target, changelog = [], candidates = [], root, onto } = input;
  const report = (phase: SplitProgress['phase'], done: number, total: number): void =>
    input.onProgress?.({ phase, done, total });
  report('diff', 0, 1);
  const changes = await trees.diff(base, target);
  const woven =
    candidates.length === 0 ? undefined : await splitByCandidates(trees, { base, changes }, candidates, changelog);
  const files = woven?.rest ?? (await readChanges(trees, changes, (done) => report('read', done, changes.length)));
  report('attribute', 0, 1);
  const {
    commits: plan,
    nearest,
    byNamesAlone,
  } = planSplit(
    files.map(({ delta }) => delta),
    woven?.items ?? changelog,
  );
  report('attribute', 1, 1);
  const planned = commitsOf(input, files, plan, report);
  const before = woven?.commits ?? [];
  const commits = await trees.commitSeries({ ...root, tree: base, onto }, [...before, ...planned]);
  const replayedTree = commits.at(-1)?.tree ?? base;
  if (commits.length !== before.length + plan.length + 1) {
    throw new SplitError('not-recomposed', `${commits.length} commits were stored`);
  }
  report('prove', 1, 1);
  const series = [...(woven?.seriesOf(commits) ?? []), ...seriesOf(files, plan, commits.slice(before.length))];
  const counts = countsOf(files, plan, changelog.length);
  const rest = new Set(plan.flatMap(({ item }) => item ?? []));
  const open = new Set(woven?.items ?? changelog);
  const found = new Set(changelog.filter((item) => !open.has(item) || rest.has(item)));
  const context = { items: changelog, earlier: input.earlier ?? [], nearest };
  return {
    series: { schema: 1, baseTree: base, targetTree: target, commits: series },
    commits,
    counts: woven ? countsWith(counts, woven, changes.length) : counts,
    notices: woven?.notices ?? (byNamesAlone ? [namesAlone] : []),
    findings: {
      commits: [...(woven?.findings ?? []), ...plan.map((planned) => findingsOfPlanned(files, planned))],
      unfound: unfoundEntries(found, woven ? { ...context, byCandidates: woven.whyUnfound } : context),
      ...(woven ? { candidates: woven.candidates } : {}),
    },
    proof: { baseTree: base, targetTree: target, replayedTree },
  };
}

/** The figures of both halves: what candidates explain, and what the changelog alone does. */
function countsWith(rest: SplitCounts, { commits, counts }: WovenSplit, files: number): SplitCounts {
  return {
    ...rest,
    commits: rest.commits + commits.length,
    attributed: rest.attributed + commits.length,
    files,
    hunks: rest.hunks + counts.hunks,
    attributedHunks: rest.attributedHunks + counts.hunks,
    insertions: rest.insertions + counts.insertions,
    deletions: rest.deletions + counts.deletions,
    subjectsFound: rest.subjectsFound + counts.subjectsFound,
  };
}

/** The commits to write; what a commit changes is composed when the store comes to it. */
function commitsOf(
  { root, changelog = [] }: SplitInput,
  files: readonly ChangedFile[],
  plan: readonly PlannedCommit[],
  report: (phase: 'commit', done: number, total: number) => void,
): NewCommit[] {
  const weave = new Weave(files, plan);
  const lastAt = Math.max(root.author.at.getTime(), ...changelog.slice(-1).map(({ at }) => Date.parse(at)));
  return plan.map((planned, order) => ({
    author: planned.item
      ? { ...planned.item.author, at: new Date(planned.item.at) }
      : { ...root.author, at: new Date(lastAt) },
    message: messageOf(planned),
    get changes() {
      report('commit', order + 1, plan.length);
      return weave.changesAt(order);
    },
  }));
}
