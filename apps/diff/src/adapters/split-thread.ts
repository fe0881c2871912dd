import { Injectable } from '@nestjs/common';
import { ServiceConfig } from '#libs/service';
import { JobThread, ThreadProgram } from '#libs/threads';
import { type Step, type StepSplit, Splitter } from '../ports.js';

/** A kernel's step of two thousand files takes a third of that. */
const maxHeapMb = 3_072;

/** What the thread is told at its beginning. */
export interface SplitSetting {
  readonly treesDir: string;
}

const program = ThreadProgram.beside<SplitSetting, Step, StepSplit>(import.meta.url, 'split-program.js');

/** Splits in a thread: a kernel's step takes many seconds of processor time, in which machines and operators want answers. */
@Injectable()
export class SplitThread extends Splitter {
  constructor(private readonly config: ServiceConfig) {
    super();
  }

  /** Each step has a thread of its own: they are few, large, and have nothing in common. */
  split(step: Step): Promise<StepSplit> {
    const { treesDir } = this.config;
    return new JobThread(program, { treesDir }, { maxHeapMb }).run(step);
  }
}
