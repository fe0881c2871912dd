import { setTimeout as wait } from 'node:timers/promises';

/** Waits until something is so; fails the test if it isn't in time. */
export async function until(so: () => boolean | Promise<boolean>, what: string, timeoutMs = 15_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await so())) {
    if (Date.now() > deadline) throw new Error(`in ${timeoutMs} ms it did not happen that ${what}`);
    await wait(5);
  }
}
