import { readFileSync, writeFileSync } from 'node:fs';

/** A process's memory now and at its most since `watchMemory` was last called, in bytes (proc_pid_status(5)). */
export interface MemoryUse {
  readonly now: number;
  readonly peak: number;
}

/** Forgets the peak, so that it counts from here on (proc_pid_clear_refs(5): 5 resets VmHWM). */
export function watchMemory(): MemoryUse {
  writeFileSync('/proc/self/clear_refs', '5');
  return memoryUse();
}

/** All that is resident: the JavaScript heap, buffers outside of it, and what is garbage by now. */
export function memoryUse(): MemoryUse {
  const status = readFileSync('/proc/self/status', 'latin1');
  const kibibytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
  return { now: kibibytes('VmRSS') * 1024, peak: kibibytes('VmHWM') * 1024 };
}

/** How many bytes more than before some work takes at its most, whether it ends well or not. */
export async function peakOf(work: () => unknown): Promise<number> {
  const before = watchMemory();
  try {
    await work();
  } catch {
    // What it throws is for another test to look at.
  }
  return memoryUse().peak - before.now;
}
