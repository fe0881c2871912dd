import { parentPort, workerData } from 'node:worker_threads';
import { type ToldError, toldError } from './errors.js';

/** What a thread is asked. */
export interface Asked<Job> {
  readonly id: number;
  readonly job: Job;
}

/** What a thread says of a job in the end. */
export type Said<Answer> = { readonly id: number } & ({ readonly answer: Answer } | { readonly error: ToldError });

/**
 * A thread's whole program: does the jobs that it is given, several at once where they wait for something, and says of each what came of it.
 * @param begin makes it ready: told the setting that the thread was begun with
 */
export function serveJobs(begin: (setting: never) => (job: never) => Promise<unknown>): void {
  const work = begin(workerData as never);
  parentPort?.on('message', ({ id, job }: Asked<never>) => {
    const done = work(job).then((answer) => say({ id, answer }));
    done.catch((error: unknown) => say({ id, error: toldError(error) }));
  });
}

function say(said: Said<unknown>): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
  parentPort?.postMessage(said);
}
