/** First and longest of the windows in which a fleet that lost its connection comes back. */
const firstWindowMs = 2_000;
const longestWindowMs = 5 * 60_000;

/**
 * How long to wait before the n-th attempt in a row, from 1: anywhere in a window that doubles (full jitter), since all machines lose a
 * service that is restarted in the same moment, and must not come back in one.
 * @param random 0 (inclusive) to 1.
 */
export function reconnectDelayMs(attempt: number, random: number): number {
  return random * Math.min(firstWindowMs * 2 ** Math.min(attempt - 1, 16), longestWindowMs);
}

/** Counts the attempts. */
export class Backoff {
  private attempts = 0;

  /** The wait before the next attempt, in ms. */
  next(): number {
    this.attempts += 1;
    return reconnectDelayMs(this.attempts, Math.random());
  }

  /** It worked. */
  reset(): void {
    this.attempts = 0;
  }
}
