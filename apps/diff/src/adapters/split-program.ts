// A thread's program: splits one step.
import { serveJob } from '#libs/threads';
import { GitTreeStore } from '#libs/trees';
import type { StepSplit } from '../ports.js';
import { splitStep } from '../split-step.js';
import type { SplitJob } from './split-thread.js';

await serveJob(({ treesDir, step }: SplitJob): Promise<StepSplit> => splitStep(new GitTreeStore(treesDir), step));
