import { Worker } from 'node:worker_threads';
import { errorTold, ThreadError } from './errors.js';
import type { ThreadProgram } from './program.js';
import type { Said } from './serve-job.js';

export interface ThreadLimits {
  /** Of its own heap, in MiB: whatever is beyond ends the thread, and not the process. */
  readonly maxHeapMb: number;
}

/**
 * Has a program of its own (`serveJob`) do one job in a thread, and ends the thread.
 * @param job anything that the structured clone algorithm takes (HTML, 2.7), as is the answer
 * @throws what the job threw, with its name and code but not of its class; ThreadError
 */
export async function inThread<Job, Answer>(
  program: ThreadProgram<Job, Answer>,
  job: Job,
  { maxHeapMb }: ThreadLimits,
): Promise<Answer> {
  const thread = new Worker(program.url, {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
    // A flag of this process, say of a profiler, isn't the thread's.
    execArgv: [],
  });
  try {
    const said = await new Promise<Said<Answer>>((resolve, reject) => {
      thread.once('message', resolve);
      thread.once('error', (error: NodeJS.ErrnoException) => reject(asThreadError(error, maxHeapMb)));
      thread.once('exit', (code) => reject(new ThreadError('ended', `the thread ended with ${code}, and no answer`)));
    });
    if ('error' in said) throw errorTold(said.error);
    return said.answer;
  } finally {
    await thread.terminate();
  }
}

function asThreadError(error: NodeJS.ErrnoException, maxHeapMb: number): Error {
  if (error.code !== 'ERR_WORKER_OUT_OF_MEMORY') return error;
  return new ThreadError('out-of-memory', `the thread needed more than ${maxHeapMb} MiB`, { cause: error });
}
