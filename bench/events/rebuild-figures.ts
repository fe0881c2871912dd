import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { connectEventStore, EmbeddedNats } from '#libs/eventstore';
import { appendEstate } from './estate.js';
import { contentsOf, insertRaw, rebuild, type Spent } from './rebuilds.js';

/** Medians of the rounds. */
interface Figures {
  readonly eventsPerSec: number;
  readonly rowsPerSec: number;
  readonly cpuMicrosPerEvent: number;
}

export interface RebuildFigures {
  readonly events: number;
  readonly rows: number;
  readonly rounds: number;
  readonly rebuild: Figures;
  readonly raw: Figures;
  /** Into PostgreSQL, whose own processor time isn't in it. */
  readonly postgres?: Figures;
  /** How many times as long the rebuild takes: the median of each round's ratio. */
  readonly wallRatio: number;
  readonly cpuRatio: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = 0, high = low] = sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1);
  return (low + high) / 2;
}

export interface RebuildAsked {
  readonly machines: number;
  readonly rounds: number;
  /** A PostgreSQL database to rebuild into as well. */
  readonly postgres: string | undefined;
}

/** Rebuilds the catalog from a log of its own, and writes the same rows with sqlite3 alone, in turns. */
export async function measureRebuild(
  { machines, rounds, postgres }: RebuildAsked,
  deadline: number,
): Promise<RebuildFigures> {
  const dataDir = await mkdtemp(join(tmpdir(), 'splicecast-bench-'));
  const closers: (() => Promise<unknown>)[] = [() => rm(dataDir, { recursive: true, force: true })];
  try {
    const nats = await EmbeddedNats.start({ dataDir });
    closers.push(() => nats.stop());
    const store = await connectEventStore(nats.service);
    closers.push(() => store.close());
    const events = await appendEstate(store, machines);
    const last = await store.lastPosition();
    let contents: Awaited<ReturnType<typeof contentsOf>> = [];
    // The first one warms everything up, and shows what is to be written.
    await rebuild(store, last, { look: async (file) => void (contents = await contentsOf(file)) });
    await insertRaw(contents);
    const runs: { rebuilt: Spent; raw: Spent }[] = [];
    const inPostgres: Spent[] = [];
    while (runs.length < rounds && (runs.length === 0 || performance.now() < deadline)) {
      if (runs.length % 2 === 0) runs.push({ rebuilt: await rebuild(store, last), raw: await insertRaw(contents) });
      else {
        const raw = await insertRaw(contents);
        runs.push({ raw, rebuilt: await rebuild(store, last) });
      }
      if (postgres !== undefined) inPostgres.push(await rebuild(store, last, { databaseUrl: postgres }));
    }
    const rows = contents.reduce((sum, table) => sum + table.rows.length, 0);
    const figures = (spent: readonly Spent[]): Figures => ({
      eventsPerSec: Math.round(median(spent.map(({ wallSec }) => events / wallSec))),
      rowsPerSec: Math.round(median(spent.map(({ wallSec }) => rows / wallSec))),
      cpuMicrosPerEvent: Math.round(median(spent.map(({ cpuSec }) => (1_000_000 * cpuSec) / events))),
    });
    return {
      events,
      rows,
      rounds: runs.length,
      rebuild: figures(runs.map(({ rebuilt }) => rebuilt)),
      raw: figures(runs.map(({ raw }) => raw)),
      ...(inPostgres.length === 0 ? {} : { postgres: figures(inPostgres) }),
      wallRatio: median(runs.map(({ rebuilt, raw }) => rebuilt.wallSec / raw.wallSec)),
      cpuRatio: median(runs.map(({ rebuilt, raw }) => rebuilt.cpuSec / raw.cpuSec)),
    };
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

export function showRebuild(figures: RebuildFigures): string {
  const { events, rows, rounds, wallRatio, cpuRatio } = figures;
  const table = new Table({
    head: ['', 'events/s', 'rows/s', 'processor time an event'],
    style: { head: [], border: [], compact: true },
  });
  for (const [name, of] of [
    ['rebuild from the log', figures.rebuild],
    ['the same rows, sqlite3 alone', figures.raw],
    ['rebuild into PostgreSQL', figures.postgres],
  ] as const) {
    if (of === undefined) continue;
    const { eventsPerSec, rowsPerSec, cpuMicrosPerEvent } = of;
    table.push([name, eventsPerSec.toLocaleString('en'), rowsPerSec.toLocaleString('en'), `${cpuMicrosPerEvent} µs`]);
  }
  return [
    `rebuild of the catalog: ${events.toLocaleString('en')} events, ${rows.toLocaleString('en')} rows, medians of ${rounds}`,
    table.toString(),
    `the rebuild takes ${wallRatio.toFixed(2)} times as long, and ${cpuRatio.toFixed(2)} times as much processor time`,
  ].join('\n');
}
