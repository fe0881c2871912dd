import { setTimeout as wait } from 'node:timers/promises';
import type { Commit, SubscribeOptions } from './port.js';

const firstRetryMs = 50;
const longestRetryMs = 5_000;

/** Calls the handler until it succeeds or the subscription is stopped: a projection may wait, but never skip. */
export async function untilHandled(
  commit: Commit,
  handler: (commit: Commit) => Promise<void>,
  options: SubscribeOptions,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1, delayMs = firstRetryMs; !signal.aborted; attempt += 1) {
    try {
      await handler(commit);
      return;
    } catch (error) {
      options.onTrouble?.(error, commit, attempt);
      await wait(delayMs, undefined, { signal }).catch(() => undefined);
      delayMs = Math.min(delayMs * 2, longestRetryMs);
    }
  }
}
