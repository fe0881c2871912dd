import { open, readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError } from '../errors.js';

const pollMs = 50;

/**
 * Lets one agent process at a time touch state and kernel: the daemon and the command line are two. Who died with the lock in
 * its hand is found out by its pid and start time.
 * @throws AgentError `busy` after `waitMs`.
 */
export async function withLock<T>(path: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + waitMs;
  const me = await identityOf(process.pid);
  while (!(await take(path, me))) {
    const holder = (await readFile(path, 'utf8').catch(() => '')).trim();
    if (holder !== '' && (await identityOf(Number(holder.split(' ')[0]))) !== holder) {
      await rm(path, { force: true });
      continue;
    }
    if (Date.now() > deadline) {
      const advice = 'wait until it has finished';
      throw new AgentError('busy', `another splicecast process (${holder.split(' ')[0]}) is at work`, advice);
    }
    await sleep(pollMs);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string, me: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(me);
    await file.close();
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
}

/** `<pid> <start time>` (field 22 of /proc/PID/stat): a pid alone is used again. */
async function identityOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field, the name in parentheses, may hold anything.
  return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''}`;
}
