import { printJson } from '../output.js';
import { SplitProgressBar } from './progress-bar.js';
import { type SplitRequest, splitDrops } from './split-drops.js';
import { printSummary } from './summary.js';

export interface SplitOptions {
  readonly from: string;
  readonly to: string;
  readonly changelog?: string;
  readonly fromVersion?: string;
  readonly toVersion?: string;
  readonly candidates?: readonly string[];
  readonly out: string;
  readonly json?: boolean;
}

/** Splits with a bar, and says what came out. */
export async function runSplit(options: SplitOptions): Promise<void> {
  const bar = new SplitProgressBar(process.stderr);
  try {
    const split = await splitDrops(requestOf(options), (progress) => bar.show(progress));
    bar.stop();
    if (options.json) printJson({ ...split.report, timings: split.timings });
    else printSummary(options.out, split);
  } finally {
    bar.stop();
  }
}

function requestOf(options: SplitOptions): SplitRequest {
  return {
    from: options.from,
    to: options.to,
    out: options.out,
    changelogFile: options.changelog,
    candidates: options.candidates,
    fromVersion: options.fromVersion,
    toVersion: options.toVersion,
  };
}
