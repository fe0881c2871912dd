import type { Estate } from './estate.js';
import type { FromListeners, ToListeners } from './listeners.js';
import { watchPeak } from './processor.js';
import { now, type Spread, spreadOf } from './spread.js';
import type { FeedProcess, Worker } from './world.js';

const backMs = 300_000;

/** NATS server and feed are ended and started at once, under agents that come back as agents do. */
export interface Restart {
  /** From the end of the servers until an agent listened again, and until its check-in was answered. */
  readonly listening: Spread;
  readonly checkedIn: Spread;
  /** Until the feed was ready. */
  readonly feedReadyMs: number;
  readonly unanswered: number;
  readonly refusals: Readonly<Record<string, number>>;
  /** The most of a processor that each used in a quarter of a second. */
  readonly peak: { readonly natsServer: number; readonly feed: number; readonly agents: number };
}

export async function measureRestart(
  estate: Estate,
  feed: FeedProcess,
  own: Worker<ToListeners, FromListeners>,
): Promise<Restart> {
  await own.ask({ do: 'come-back', port: estate.nats.port, feedPort: feed.port });
  const peaks = [() => estate.nats.pid, () => feed.pid, () => own.pid].map(watchPeak);
  const began = now();
  const { pid } = estate.nats;
  // It is started again at once by whoever keeps it.
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
  const restarted = (async () => {
    await feed.stop();
    await feed.begin();
    return now() - began;
  })();
  const { back } = await own.ask({ do: 'await-back', limitMs: backMs });
  const feedReadyMs = await restarted;
  const [natsServer = 0, feedPeak = 0, agents = 0] = peaks.map((peak) => peak());
  return {
    listening: spreadOf(back?.listening ?? [], began),
    checkedIn: spreadOf(back?.checkedIn ?? [], began),
    feedReadyMs,
    unanswered: back?.unanswered ?? 0,
    refusals: back?.refusals ?? {},
    peak: { natsServer, feed: feedPeak, agents },
  };
}
