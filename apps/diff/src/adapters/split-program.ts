// A thread's program: splits steps.
import { serveJobs } from '#libs/threads';
import { GitTreeStore } from '#libs/trees';
import type { Step, StepSplit } from '../ports.js';
import { splitStep } from '../split-step.js';
import type { SplitSetting } from './split-thread.js';

serveJobs(({ treesDir }: SplitSetting) => {
  const trees = new GitTreeStore(treesDir);
  return (step: Step): Promise<StepSplit> => splitStep(trees, step);
});
