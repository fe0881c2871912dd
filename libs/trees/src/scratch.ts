import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const ownerFile = 'owner';

/** Makes a folder for work in progress that the next process clears away if this one dies. */
export async function scratchFolder(incoming: string): Promise<string> {
  const folder = await mkdtemp(join(incoming, 'work-'));
  await writeFile(join(folder, ownerFile), `${process.pid} ${await startTimeOf(process.pid)}`);
  return folder;
}

/** Clears away what processes that live no more left behind. */
export async function sweepScratch(incoming: string): Promise<void> {
  for (const name of await readdir(incoming)) {
    const folder = join(incoming, name);
    const [pid = '', started = ''] = (await readFile(join(folder, ownerFile), 'utf8').catch(() => '')).split(' ');
    const alive = started !== '' && (await startTimeOf(Number(pid))) === started;
    if (!alive) await rm(folder, { recursive: true, force: true });
  }
}

/** When a process started, in the kernel's ticks (proc(5), stat field 22): a pid alone is given out again. '' if there's none. */
async function startTimeOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
