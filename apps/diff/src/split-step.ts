import { reportJson, reportOf, splitTrees } from '#libs/patchsplit';
import type { TreeStore } from '#libs/trees';
import type { Step, StepSplit } from './ports.js';

/** Breaks a step into commits, and says what they rest on. @throws SplitError, TreeError */
export async function splitStep(trees: TreeStore, { from, to, ...step }: Step): Promise<StepSplit> {
  const split = await splitTrees({ trees, ...step });
  const [first] = split.commits;
  const last = split.commits.at(-1);
  if (!first || !last) throw new TypeError('a series without a root commit');
  const report = reportJson(await reportOf({ trees, split, from, to }));
  const { counts, proof } = split;
  const series = Buffer.from(JSON.stringify(split.series));
  return { series, report: Buffer.from(report), onto: first.commit, head: last.commit, counts, proof };
}
