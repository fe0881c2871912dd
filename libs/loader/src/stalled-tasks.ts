import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readText } from './bounded-file.js';
import type { StalledTask } from './errors.js';

/** So many are told; a kernel in which more stall has one cause, and these show it. */
const maxTold = 64;
const maxThreads = 200_000;
const maxFrames = 64;

/**
 * Who holds a transition: tasks whose patch_state (proc(5); -1 = none under way) is not yet its goal.
 * @param goal 1 while a patch is being applied, 0 while it is being taken back.
 */
export async function stalledTasks(proc: string, goal: 0 | 1): Promise<StalledTask[]> {
  const stalled: StalledTask[] = [];
  let seen = 0;
  for (const process of await numbersIn(proc)) {
    const tasks = join(proc, process, 'task');
    for (const thread of await numbersIn(tasks)) {
      if (++seen > maxThreads || stalled.length >= maxTold) return stalled;
      const folder = join(tasks, thread);
      const state = await readText(join(folder, 'patch_state'));
      if (state === String(1 - goal)) stalled.push(await describeTask(folder, Number(thread)));
    }
  }
  return stalled;
}

async function describeTask(folder: string, pid: number): Promise<StalledTask> {
  const name = (await readText(join(folder, 'comm')))?.slice(0, 64) ?? '';
  // Only root may read a stack, and a kernel may be built without it.
  const stack = await readText(join(folder, 'stack')).catch(() => undefined);
  const frames = (stack ?? '').split('\n').filter((line) => line !== '');
  return { pid, name, stack: frames.slice(0, maxFrames).map((frame) => frame.replace(/^\[<[^>]*>\]\s*/, '')) };
}

async function numbersIn(path: string): Promise<string[]> {
  const names = await readdir(path).catch(() => []);
  return names.filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(a) - Number(b));
}
