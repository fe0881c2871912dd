/** When to ask again. Jitter everywhere: a fleet that was cut off must not come back in one second. */
const firstRetryMs = 2_000;
const maxRetryMs = 10 * 60_000;
const hintJitterMs = 500;

/**
 * How long to wait for the next check-in.
 * @param failures in a row. @param random 0 (inclusive) to 1.
 */
export function nextCheckInMs(failures: number, pollMs: number, random: number): number {
  // Full jitter, as the whole fleet fails at the same time when the service does.
  if (failures > 0) return firstRetryMs + random * Math.min(firstRetryMs * 2 ** Math.min(failures, 16), maxRetryMs);
  return pollMs * (0.9 + random * 0.2);
}

/** How long to wait after a hint: it went to everybody at once. */
export function afterHintMs(random: number): number {
  return random * hintJitterMs;
}
