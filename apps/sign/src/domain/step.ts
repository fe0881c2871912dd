import type { EventData, Fact, Reason, Series, SeriesCommit } from '#libs/contracts';
import { last, reason } from './reason.js';

/** The step between two source drops that a fix is a commit of: what the log says of it, and the series that it names. */
export interface Step {
  readonly split: EventData<'DropSplit'>;
  readonly series: Series;
}

/** The drop whose step a fix is a commit of; undefined for anyone's own patch. */
export function dropOf(fix: readonly Fact[]): string | undefined {
  const source = last(fix, 'FixProposed')?.source;
  return source?.kind === 'commit' ? source.dropId : undefined;
}

/** The commits of a step; none where there is no step. */
export function commitsOf(step: Step | undefined): readonly SeriesCommit[] {
  return step?.series.commits ?? [];
}

/**
 * A fix that says it is a commit of a drop is one: of a series that goes from commit to commit from the one tree to the other, as the
 * proof says. What is attested of it later rests on nothing else.
 */
export function checkStep({ source, fixId }: EventData<'FixProposed'>, step: Step | undefined): Reason[] {
  if (source.kind !== 'commit') return [];
  if (step === undefined) return [reason('split-unknown', `drop ${source.dropId} of fix ${fixId} was never split`)];
  const { split, series } = step;
  const { baseTree, targetTree, replayedTree } = split.proof;
  const end = series.commits.at(-1);
  const isProven =
    replayedTree === targetTree &&
    series.baseTree === baseTree &&
    series.targetTree === targetTree &&
    end?.tree === targetTree &&
    end.commit === split.head &&
    series.commits.every(({ parent }, n) => n === 0 || parent === series.commits[n - 1]?.commit);
  if (!isProven) return [reason('split-unproven', `the series of drop ${source.dropId} does not end in its tree`)];
  if (series.commits.some(({ commit }) => commit === source.commit)) return [];
  return [reason('commit-unknown', `the series of drop ${source.dropId} has no commit ${source.commit}`)];
}
