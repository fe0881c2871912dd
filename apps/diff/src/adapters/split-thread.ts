import { Injectable } from '@nestjs/common';
import { ServiceConfig } from '#libs/service';
import { inThread, ThreadProgram } from '#libs/threads';
import { type Step, type StepSplit, Splitter } from '../ports.js';

/** A kernel's step of two thousand files takes a third of that. */
const maxHeapMb = 3_072;

/** What the thread is told. */
export interface SplitJob {
  readonly treesDir: string;
  readonly step: Step;
}

const program = ThreadProgram.beside<SplitJob, StepSplit>(import.meta.url, 'split-program.js');

/** Splits in a thread: a kernel's step takes many seconds of processor time, in which machines and operators want answers. */
@Injectable()
export class SplitThread extends Splitter {
  constructor(private readonly config: ServiceConfig) {
    super();
  }

  split(step: Step): Promise<StepSplit> {
    return inThread(program, { treesDir: this.config.treesDir, step }, { maxHeapMb });
  }
}
