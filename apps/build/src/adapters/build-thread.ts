import type { OnApplicationShutdown } from '@nestjs/common';
import type { EventData } from '#libs/contracts';
import type { BuildOutcome, LevelOutcome } from '#libs/hotpatch';
import { JobThread, ThreadProgram } from '#libs/threads';
import { Builder, type FixJob, type ImportOutcome, type LevelJob } from '../ports.js';

/** Three profiles take some 450 MB of it; the rest is for what a fix reaches. */
const maxHeapMb = 3_072;
/** Loading a profile takes a second or two, and it is 150 MB. */
const idleMs = 600_000;

/** What the thread is told at its beginning. */
export interface BuildSetting {
  readonly blobsDir: string;
  readonly treesDir: string;
  readonly profilesDir: string;
}

export type Job =
  | { readonly kind: 'import'; readonly received: EventData<'KernelReceived'> }
  | { readonly kind: 'fix'; readonly fix: FixJob }
  | { readonly kind: 'level'; readonly level: LevelJob };
export type Outcome = ImportOutcome | BuildOutcome | LevelOutcome;

const program = ThreadProgram.beside<BuildSetting, Job, Outcome>(import.meta.url, 'build-program.js');

/**
 * Builds in a thread: what lies between two runs of the compiler takes seconds in one piece, in which machines and operators want
 * answers, and an object that was made to take all memory takes the thread's.
 */
export class BuildThread extends Builder implements OnApplicationShutdown {
  private readonly thread: JobThread<BuildSetting, Job, Outcome>;

  constructor(setting: BuildSetting) {
    super();
    this.thread = new JobThread(program, setting, { maxHeapMb, idleMs });
  }

  async importKernel(received: EventData<'KernelReceived'>): Promise<ImportOutcome> {
    return (await this.thread.run({ kind: 'import', received })) as ImportOutcome;
  }

  async buildFix(fix: FixJob): Promise<BuildOutcome> {
    return (await this.thread.run({ kind: 'fix', fix })) as BuildOutcome;
  }

  async buildLevel(level: LevelJob): Promise<LevelOutcome> {
    return (await this.thread.run({ kind: 'level', level })) as LevelOutcome;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.thread.close();
  }
}
