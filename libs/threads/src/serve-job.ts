import { parentPort, workerData } from 'node:worker_threads';
import { type ToldError, toldError } from './errors.js';

/** What a thread says in the end. */
export type Said<Answer> = { readonly answer: Answer } | { readonly error: ToldError };

/** A thread's whole program: does the job that it was begun with (`inThread`), and says what came of it. */
export async function serveJob(work: (job: never) => Promise<unknown>): Promise<void> {
  const said = await work(workerData as never).then(
    (answer): Said<unknown> => ({ answer }),
    (error: unknown): Said<unknown> => ({ error: toldError(error) }),
  );
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
  parentPort?.postMessage(said);
}
