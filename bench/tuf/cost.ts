/** What something took: by the clock, and of the processor. */
export interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
}

/** Of this process, all threads. */
export async function costOf(act: () => unknown): Promise<Cost> {
  const [begin, used] = [performance.now(), process.cpuUsage()];
  await act();
  const { user, system } = process.cpuUsage(used);
  return { ms: performance.now() - begin, cpuMs: (user + system) / 1000 };
}

/** The middle one of each figure. */
export function medianCost(costs: readonly Cost[]): Cost {
  return { ms: median(costs.map(({ ms }) => ms)), cpuMs: median(costs.map(({ cpuMs }) => cpuMs)) };
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;
}
