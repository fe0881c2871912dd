import type { Reason } from '#libs/contracts';

/** Codes of refusals that may pass by themselves: the next attempt may do. */
const passing: ReadonlySet<string> = new Set([
  'transition-stalled',
  'busy',
  'load-timeout',
  'interrupted',
  'no-space',
  // Bytes that were spoilt on the way.
  'wrong-length',
  'wrong-digest',
  'wrong-target',
  'endless-data',
  'slow-retrieval',
]);
const firstRetryMs = 60_000;
const maxRetryMs = 6 * 60 * 60 * 1000;

/** Whether a bundle that was refused for these reasons is worth another attempt. */
export function mayPass(reasons: readonly Reason[]): boolean {
  return reasons.every(({ code }) => passing.has(code));
}

/** How long after the n-th refusal in a row it is tried again. */
export function retryAfterMs(reasons: readonly Reason[], attempt: number): number {
  // It was the agent that was ended, once: nothing is known against the bundle.
  if (attempt === 1 && reasons.every(({ code }) => code === 'interrupted')) return 0;
  return Math.min(firstRetryMs * 2 ** Math.min(attempt - 1, 16), maxRetryMs);
}
