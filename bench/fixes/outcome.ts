import type { BroughtCommit } from '#libs/hotpatch';
import type { Reason } from '#libs/contracts';
import type { YardstickOutcome } from './yardstick.js';

/** What became of one fix. */
export interface FixOutcome {
  readonly commit: string;
  readonly subject: string;
  readonly paths: readonly string[];
  readonly outcome: 'made' | 'refused' | 'no-change' | 'timed-out' | 'crashed';
  readonly stage?: string;
  readonly reasons: readonly Reason[];
  readonly warnings: readonly Reason[];
  readonly functions: readonly string[];
  readonly objects: readonly string[];
  readonly brings: readonly BroughtCommit[];
  readonly sizeBytes?: number;
  readonly seconds: number;
  /** What another tool makes of the same objects, where it was asked. */
  readonly yardstick?: YardstickOutcome;
}

/** What a worker process is started with. */
export interface WorkerSetup {
  readonly kernel: string;
  readonly series: string;
  readonly modules?: string;
  readonly yardstick?: string;
}
