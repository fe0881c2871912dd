import { readFile } from 'node:fs/promises';
import { now } from './spread.js';

/** What the kernel counts in: hundredths of a second on every architecture that there is (proc(5)). */
const tickMs = 10;
const sampleMs = 250;

/** Processor time that a process has used so far, all its threads, in ms; 0 if there is none. It is not what others left of the processor. */
export async function processorMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  // The name before may have anything in it, but the last `)` ends it; utime and stime are the 14th and 15th field of all.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * tickMs;
}

/** Looks at a process until it is stopped. @returns what stops that, and gives the most of a processor that it used in a quarter of a second: 1 is one whole. */
export function watchPeak(pid: () => number | undefined): () => number {
  let peak = 0;
  let before: { readonly pid: number; readonly ms: number; readonly at: number } | undefined;
  const sample = async (): Promise<void> => {
    const id = pid();
    if (id === undefined) return;
    const [ms, at] = [await processorMs(id), now()];
    // Otherwise another process has taken its place.
    if (before?.pid === id && at - before.at >= sampleMs / 2)
      peak = Math.max(peak, (ms - before.ms) / (at - before.at));
    before = { pid: id, ms, at };
  };
  const timer = setInterval(() => void sample(), sampleMs);
  return () => {
    clearInterval(timer);
    return peak;
  };
}
