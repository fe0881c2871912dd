import type { FromCheckIns, ToCheckIns } from './check-ins.js';
import type { Estate } from './estate.js';
import { processorMs } from './processor.js';
import { medianOf } from './spread.js';
import type { Worker } from './world.js';

/** Check-ins without news, beside an empty route of the same framework. */
export interface Rates {
  readonly checkInsPerSec: number;
  readonly emptyPerSec: number;
  /** Processor time of the server for one, all its threads. */
  readonly checkInMs: number;
  readonly emptyMs: number;
  /** Check-ins that were answered by something else than 304. */
  readonly unexpected: number;
}

const sockets = 32;

/** Asks both, in turn. */
export async function measureRates(
  estate: Estate,
  checking: Worker<ToCheckIns, FromCheckIns>,
  feed: { readonly port: number; readonly pid: number },
  { rounds, count }: { readonly rounds: number; readonly count: number },
): Promise<Rates> {
  const empty = estate.worker<object, { port: number }>('empty-route');
  const emptyPort = (await empty.next()).port;
  const seen = { checkIn: [] as number[], empty: [] as number[], checkInMs: [] as number[], emptyMs: [] as number[] };
  let unexpected = 0;
  const run = async (pid: number, port: number): Promise<FromCheckIns & { readonly eachMs: number }> => {
    const before = await processorMs(pid);
    const answered = await checking.ask({ do: 'run', port, count, sockets });
    return { ...answered, eachMs: ((await processorMs(pid)) - before) / count };
  };
  // The first learns the entity tags.
  for (let round = 0; round <= rounds; round += 1) {
    const service = await run(feed.pid, feed.port);
    const other = await run(empty.pid, emptyPort);
    if (round === 0) continue;
    unexpected += count - (service.statuses?.['304'] ?? 0);
    seen.checkIn.push(service.perSec ?? 0);
    seen.empty.push(other.perSec ?? 0);
    seen.checkInMs.push(service.eachMs);
    seen.emptyMs.push(other.eachMs);
  }
  return {
    checkInsPerSec: medianOf(seen.checkIn),
    emptyPerSec: medianOf(seen.empty),
    checkInMs: medianOf(seen.checkInMs),
    emptyMs: medianOf(seen.emptyMs),
    unexpected,
  };
}
