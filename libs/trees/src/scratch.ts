import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const ownerFile = 'owner';
/** How long work whose process can't be looked at (on another machine, in another container) is believed to go on. */
const unseenMs = 24 * 3_600_000;

/** Makes a folder for work in progress that a later process clears away if this one dies. */
export async function scratchFolder(incoming: string): Promise<string> {
  const folder = await mkdtemp(join(incoming, 'work-'));
  await writeFile(join(folder, ownerFile), `${await placeOf()}\n${process.pid}\n${await startTimeOf(process.pid)}\n`);
  return folder;
}

/** Clears away what processes that live no more left behind. */
export async function sweepScratch(incoming: string): Promise<void> {
  for (const name of await readdir(incoming)) {
    const folder = join(incoming, name);
    if (!(await isAlive(folder))) await rm(folder, { recursive: true, force: true });
  }
}

async function isAlive(folder: string): Promise<boolean> {
  const owner = await readFile(join(folder, ownerFile), 'utf8').catch(() => undefined);
  const [place, pid, started] = owner?.split('\n') ?? [];
  if (started !== undefined && started !== '' && place === (await placeOf())) {
    return (await startTimeOf(Number(pid))) === started;
  }
  const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: 0 }));
  return Date.now() - mtimeMs < unseenMs;
}

/** Where process ids mean what they mean here: this machine, this pid namespace. */
async function placeOf(): Promise<string> {
  return `${hostname()} ${await readlink('/proc/self/ns/pid').catch(() => '')}`;
}

/** When a process started, in the kernel's ticks (proc(5), stat field 22): a pid alone is given out again. '' if there's none. */
async function startTimeOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
