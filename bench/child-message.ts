import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** The child's next message; `timed-out` or `ended` if there is none. */
export async function nextMessage(child: ChildProcess, limitMs: number): Promise<unknown> {
  const over = new AbortController();
  const { signal } = over;
  const timer = setTimeout(() => over.abort(), limitMs);
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]: unknown[]) => message),
      once(child, 'exit', { signal }).then(() => 'ended'),
    ]);
  } catch {
    return 'timed-out';
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}
