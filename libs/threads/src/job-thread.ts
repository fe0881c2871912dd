import type { ThreadProgram } from './program.js';
import { RunningThread, ThreadEnd } from './running-thread.js';

export interface ThreadLimits {
  /** Of its own heap, in MiB: whatever is beyond ends the thread, and not the process. */
  readonly maxHeapMb: number;
  /** How long it is kept without a job, with what it has loaded, in ms; it ends at once when absent. */
  readonly idleMs?: number;
}

/**
 * Has a program of its own (`serveJobs`) do jobs in a thread, which is begun when there is one to do. Jobs, answers and the setting are
 * anything that the structured clone algorithm takes (HTML, 2.7).
 */
export class JobThread<Setting, Job, Answer> {
  private thread: RunningThread<Setting, Job, Answer> | undefined;
  private rest: NodeJS.Timeout | undefined;

  constructor(
    private readonly program: ThreadProgram<Setting, Job, Answer>,
    private readonly setting: Setting,
    private readonly limits: ThreadLimits,
  ) {}

  /**
   * Jobs that are given while others are being done share the thread. If it ends then, each of them is done once more, in a thread of its
   * own, so that only that one fails whose fault it was.
   * @throws what the job threw, with its name and code but not of its class; ThreadError
   */
  async run(job: Job): Promise<Answer> {
    clearTimeout(this.rest);
    const thread = (this.thread ??= this.begun());
    try {
      return await thread.ask(job);
    } catch (error) {
      if (!(error instanceof ThreadEnd)) throw error;
      if (!error.isShared) throw error.why;
      const { maxHeapMb } = this.limits;
      return await new JobThread(this.program, this.setting, { maxHeapMb }).run(job);
    } finally {
      if (thread === this.thread && thread.isIdle) await this.idle();
    }
  }

  /** Ends the thread, whatever it does. */
  async close(): Promise<void> {
    clearTimeout(this.rest);
    const { thread } = this;
    this.thread = undefined;
    await thread?.terminate();
  }

  private begun(): RunningThread<Setting, Job, Answer> {
    const thread = new RunningThread(this.program, this.setting, this.limits.maxHeapMb, () => {
      if (this.thread === thread) this.thread = undefined;
    });
    return thread;
  }

  private async idle(): Promise<void> {
    if (this.limits.idleMs === undefined) return this.close();
    clearTimeout(this.rest);
    this.rest = setTimeout(() => void this.close(), this.limits.idleMs).unref();
  }
}
