import { performance } from 'node:perf_hooks';

/** The middle one of some figures. */
export function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0;
}

/** Median time of a synchronous piece of work, after some runs that aren't counted. */
export function medianTimeMs(work: () => void, rounds: number, warmUp: number): number {
  for (let round = 0; round < warmUp; round++) work();
  const times = Array.from({ length: rounds }, () => {
    const began = performance.now();
    work();
    return performance.now() - began;
  });
  return median(times);
}
