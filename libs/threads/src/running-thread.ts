import { Worker } from 'node:worker_threads';
import { errorTold, ThreadError } from './errors.js';
import type { ThreadProgram } from './program.js';
import type { Asked, Said } from './serve-jobs.js';

/** Rejects what was in hand when a thread ended. */
export class ThreadEnd extends Error {
  override readonly name = 'ThreadEnd';
  constructor(
    readonly why: Error,
    /** Nobody knows whose fault it is: other jobs were in hand too. */
    readonly isShared: boolean,
  ) {
    super(why.message);
  }
}

interface Waiting<Answer> {
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** A thread from its beginning to its end, and the jobs that it has in hand. */
export class RunningThread<Setting, Job, Answer> {
  private readonly worker: Worker;
  private readonly inHand = new Map<number, Waiting<Answer>>();
  private asked = 0;
  private isWanted = true;

  /** @param onEnd told once, when it takes no more jobs */
  constructor(
    program: ThreadProgram<Setting, Job, Answer>,
    setting: Setting,
    maxHeapMb: number,
    private readonly onEnd: () => void,
  ) {
    this.worker = new Worker(program.url, {
      workerData: setting,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
      // A flag of this process, say of a profiler, isn't the thread's.
      execArgv: [],
    });
    this.worker.on('message', (said: Said<Answer>) => this.hear(said));
    this.worker.once('error', (error: NodeJS.ErrnoException) => this.end(asThreadError(error, maxHeapMb)));
    this.worker.once('exit', (code) =>
      this.end(new ThreadError('ended', `the thread ended with ${code}, and no answer`)),
    );
    this.worker.unref();
  }

  get isIdle(): boolean {
    return this.inHand.size === 0;
  }

  /** @throws what the job threw; ThreadEnd */
  ask(job: Job): Promise<Answer> {
    const id = ++this.asked;
    const asked: Asked<Job> = { id, job };
    // As long as somebody waits for it the process doesn't end.
    this.worker.ref();
    return new Promise<Answer>((resolve, reject) => {
      this.inHand.set(id, { resolve, reject });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      this.worker.postMessage(asked);
    });
  }

  async terminate(): Promise<void> {
    this.isWanted = false;
    await this.worker.terminate();
  }

  private hear(said: Said<Answer>): void {
    const waiting = this.inHand.get(said.id);
    this.inHand.delete(said.id);
    if (this.isIdle) this.worker.unref();
    if ('error' in said) waiting?.reject(errorTold(said.error));
    else waiting?.resolve(said.answer);
  }

  private end(why: Error): void {
    const end = new ThreadEnd(why, this.isWanted && this.inHand.size > 1);
    for (const waiting of this.inHand.values()) waiting.reject(end);
    this.inHand.clear();
    this.onEnd();
  }
}

function asThreadError(error: NodeJS.ErrnoException, maxHeapMb: number): Error {
  if (error.code !== 'ERR_WORKER_OUT_OF_MEMORY') return error;
  return new ThreadError('out-of-memory', `the thread needed more than ${maxHeapMb} MiB`, { cause: error });
}
