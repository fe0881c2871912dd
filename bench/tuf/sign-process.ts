import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../feed/world.js';

const dist = fileURLToPath(new URL('../..', import.meta.url));
const patienceMs = 180_000;
/** Of /proc/PID/stat, on every Linux (sysconf(3) `_SC_CLK_TCK`). */
const ticksPerSec = 100;

/** The stage that signs, as a process of its own. */
export interface SignProcess {
  /** Processor time that it has taken so far, of all threads. */
  cpuMs(): Promise<number>;
  stop(): Promise<void>;
}

/** Where it finds its log and its files, and what else its environment says. */
export interface SignSetting {
  readonly dataDir: string;
  readonly natsUrl: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Starts its own main program, and waits until it is ready. @throws Error if it doesn't get there. */
export async function startSign({ dataDir, natsUrl, environment }: SignSetting): Promise<SignProcess> {
  const port = await freePort();
  const own = { SPLICECAST_DATA: dataDir, SPLICECAST_PORT: String(port), NATS_URL: natsUrl };
  const child = spawn(process.execPath, [join(dist, 'apps/sign/src/main.js')], {
    env: { ...process.env, ...environment, ...own },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const up = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (up) break;
    if (child.exitCode !== null || Date.now() > deadline) throw new Error('sign does not start');
    await sleep(100);
  }
  return {
    cpuMs: () => cpuOf(child.pid ?? 0),
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

/** proc(5): utime and stime are the 12th and 13th after the command's closing bracket. */
async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSec;
}
