import { inspect, types } from 'node:util';
import { z } from 'zod';
import { EventStoreError, PoisonMessage, RetryLater, type WorkOptions } from './port.js';

/** What is remembered of a commit that a worker did not manage at once. */
export const triesSchema = z.object({
  /** How often the handler failed. */
  failures: z.number().int().nonnegative(),
  /** How often it said `RetryLater`. */
  postponements: z.number().int().nonnegative(),
  /** The last failure, in a line. */
  reason: z.string(),
});
export type Tries = z.infer<typeof triesSchema>;

export const noTries: Tries = { failures: 0, postponements: 0, reason: '' };

/** What becomes of a delivery after its handler threw. */
export type Verdict =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly tries: Tries }
  | { readonly kind: 'give-up'; readonly attempts: number; readonly reason: string };

/** The limits of a worker, defaults filled in. */
export interface WorkPolicy {
  readonly maxAttempts: number;
  readonly maxInterruptions: number;
  readonly retryDelayMs: (attempt: number) => number;
}

const whileLogIsAwayMs = 1_000;
const maxReasonLength = 2_000;
const longestDelayMs = 3_600_000;

export function workPolicy(options: WorkOptions): WorkPolicy {
  return {
    maxAttempts: options.maxAttempts ?? 5,
    maxInterruptions: options.maxInterruptions ?? 10,
    // 1 s, 5 s, 25 s, 125 s, then five minutes.
    retryDelayMs: options.retryDelayMs ?? ((attempt) => Math.min(1_000 * 5 ** (attempt - 1), 300_000)),
  };
}

/**
 * Judges what a handler threw. `RetryLater` costs no attempt, nor does a log that is away, which is no fault of the commit;
 * `PoisonMessage` costs all of them.
 */
export function verdictOf(error: unknown, before: Tries, policy: WorkPolicy): Verdict {
  const reason = reasonOf(error);
  if (error instanceof RetryLater) {
    const tries = { ...before, postponements: before.postponements + 1 };
    return { kind: 'retry', delayMs: bounded(error.delayMs), tries };
  }
  if (error instanceof EventStoreError && error.code === 'unavailable') {
    const tries = { ...before, postponements: before.postponements + 1 };
    return { kind: 'retry', delayMs: whileLogIsAwayMs, tries };
  }
  const failures = before.failures + 1;
  if (error instanceof PoisonMessage || failures >= policy.maxAttempts) {
    return { kind: 'give-up', attempts: failures, reason };
  }
  return { kind: 'retry', delayMs: bounded(policy.retryDelayMs(failures)), tries: { ...before, failures, reason } };
}

/**
 * Judges a delivery before its handler runs: deliveries that neither failed nor were postponed ended with their process
 * (killed, out of memory, cut off), and a commit that kills its worker each time must not do so for ever.
 * @param deliveries how often it was delivered, this time included.
 */
export function isCrashLoop(deliveries: number, before: Tries, policy: WorkPolicy): Verdict | undefined {
  const interruptions = deliveries - 1 - before.failures - before.postponements;
  if (interruptions < policy.maxInterruptions) return undefined;
  const last = before.reason === '' ? '' : `; last failure: ${before.reason}`;
  const reason = `its worker ended ${interruptions} times without an answer${last}`;
  return { kind: 'give-up', attempts: before.failures + interruptions, reason };
}

/** An error and its causes in a bounded line, without the stack: it is shown to the operator. */
export function reasonOf(error: unknown): string {
  const parts: string[] = [];
  let at = error;
  for (let depth = 0; types.isNativeError(at) && depth < 4; depth += 1) {
    parts.push(`${at.name}: ${at.message}`);
    at = at.cause;
  }
  if (parts.length === 0) parts.push(inspect(error, { depth: 2, breakLength: Infinity }));
  return parts.join(' ← ').slice(0, maxReasonLength);
}

function bounded(delayMs: number): number {
  return Number.isFinite(delayMs) ? Math.min(Math.max(Math.round(delayMs), 0), longestDelayMs) : longestDelayMs;
}
