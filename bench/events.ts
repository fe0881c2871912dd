// How fast the event store appends and catches up, beside the NATS client alone on the same server, and how fast the catalog is rebuilt,
// beside sqlite3 alone, in the same run.
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import type { NatsConnection } from 'nats';
import { connectEventStore, EmbeddedNats, type EventStore, openConnection } from '#libs/eventstore';
import { measureRebuild, median, type RebuildFigures, showRebuild } from './events/rebuild-figures.js';
import { plainCatchUp, storeCatchUp } from './events/readers.js';
import {
  appendRate,
  guardedWriter,
  lastBytes,
  makeTwin,
  plainWriter,
  storeWriter,
  type Writer,
} from './events/writers.js';

const usage = `npm run bench:events -- [--count N] [--machines N] [--rounds N] [--postgres URL] [--json]

  --count N       commits a measurement, 100 to 50000 (default 5000; a quarter of it one by one)
  --machines N    machines in the log that the catalog is rebuilt from, nine events each, 10 to 20000 (default 3000)
  --rounds N      measurements of which the median is taken, 1 to 15 (default 5)
  --postgres URL  rebuild into this PostgreSQL database, which serves nobody, too
  --json          for programs
`;

const log = 'SPLICECAST';
const windows = [1, 50, 256];
/** No new round is begun after that. */
const budgetMs = 120_000;

interface Options {
  readonly count: number;
  readonly machines: number;
  readonly rounds: number;
  readonly postgres: string | undefined;
  readonly json: boolean;
}

/** Median rates, in commits per second. */
interface AppendFigures {
  readonly window: number;
  readonly store: number;
  readonly guarded: number;
  readonly plain: number;
}

interface Report {
  readonly schema: 1;
  readonly natsServer: string;
  readonly fsyncEveryAppend: boolean;
  readonly cpus: number;
  readonly payloadBytes: number;
  readonly count: number;
  readonly rounds: number;
  readonly append: readonly AppendFigures[];
  readonly catchUp: { readonly commits: number; readonly store: number; readonly plain: number };
  readonly rebuild: RebuildFigures;
}

/** Reads the command line; undefined if it asks for help. @throws TypeError that says what is wrong. */
function options(): Options | undefined {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '5000' },
      machines: { type: 'string', default: '3000' },
      rounds: { type: 'string', default: '5' },
      postgres: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const bounded = (name: 'count' | 'machines' | 'rounds', min: number, max: number): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < min || value > max) throw new TypeError(`--${name}: ${min} to ${max}`);
    return value;
  };
  return {
    count: bounded('count', 100, 50_000),
    machines: bounded('machines', 10, 20_000),
    rounds: bounded('rounds', 1, 15),
    postgres: values.postgres,
    json: values.json,
  };
}

/**
 * The median of each measurement's rates. They take turns, each first as often as last, so that what disturbs the machine
 * disturbs all.
 */
async function measure(
  measurements: readonly (() => Promise<number>)[],
  rounds: number,
  deadline: number,
): Promise<{ medians: readonly number[]; rounds: number }> {
  const turns = measurements.map((run) => ({ run, rates: [] as number[] }));
  let done = 0;
  for (; done < rounds && (done === 0 || performance.now() < deadline); done++) {
    const shift = done % turns.length;
    for (const turn of [...turns.slice(shift), ...turns.slice(0, shift)]) turn.rates.push(await turn.run());
  }
  return { medians: turns.map(({ rates }) => Math.round(median(rates))), rounds: done };
}

async function bench(
  nats: EmbeddedNats,
  store: EventStore,
  connection: NatsConnection,
  asked: Options,
): Promise<Omit<Report, 'rebuild'>> {
  const deadline = performance.now() + budgetMs;
  const first = storeWriter(store);
  await first.write('bench-sample', 0);
  const bytes = await lastBytes(connection, log);
  const js = connection.jetstream();
  for (const twin of ['GUARDED', 'PLAIN']) await makeTwin(connection, log, twin);
  const writers: Writer[] = [first, guardedWriter(js, 'GUARDED', bytes), plainWriter(js, 'PLAIN', bytes)];
  for (const writer of writers) await appendRate(writer, 500, 50);

  let { rounds } = asked;
  const append: AppendFigures[] = [];
  for (const window of windows) {
    const count = window === 1 ? Math.ceil(asked.count / 4) : asked.count;
    const runs = writers.map((writer) => () => appendRate(writer, count, window));
    const measured = await measure(runs, asked.rounds, deadline);
    const [store = 0, guarded = 0, plain = 0] = measured.medians;
    rounds = Math.min(rounds, measured.rounds);
    append.push({ window, store, guarded, plain });
  }

  const manager = await connection.jetstreamManager();
  const commits = (await manager.streams.info('PLAIN')).state.messages;
  const reads = await measure(
    [() => storeCatchUp(store, commits), () => plainCatchUp(connection, 'PLAIN', commits)],
    asked.rounds,
    deadline,
  );
  const [caughtUp = 0, caughtUpPlain = 0] = reads.medians;
  return {
    schema: 1,
    natsServer: nats.version,
    fsyncEveryAppend: nats.fsyncEveryAppend,
    cpus: cpus().length,
    payloadBytes: bytes.byteLength,
    count: asked.count,
    rounds: Math.min(rounds, reads.rounds),
    append,
    catchUp: { commits, store: caughtUp, plain: caughtUpPlain },
  };
}

const perSec = (rate: number): string => Math.round(rate).toLocaleString('en');
const ratio = (a: number, b: number): string => `${((100 * a) / b).toFixed(0)} %`;

function show(report: Report): string {
  const style = { head: [], border: [], compact: true };
  const appends = new Table({
    head: [
      'on their way',
      'event store',
      'JetStream, same guards',
      'JetStream, plain',
      'store / same',
      'store / plain',
    ],
    style,
  });
  for (const { window, store, guarded, plain } of report.append) {
    appends.push([window, perSec(store), perSec(guarded), perSec(plain), ratio(store, guarded), ratio(store, plain)]);
  }
  const { commits, store, plain } = report.catchUp;
  const reads = new Table({ head: ['commits', 'event store', 'ordered consumer, plain', 'store / plain'], style });
  reads.push([perSec(commits), perSec(store), perSec(plain), ratio(store, plain)]);
  const synced = report.fsyncEveryAppend ? 'every append on the disk' : 'no fsync at each append';
  return [
    `nats-server ${report.natsServer} (${synced}), ${report.cpus} cpus, ${report.payloadBytes} bytes a commit, medians of ${report.rounds}`,
    '',
    'appends acknowledged per second',
    appends.toString(),
    '',
    'catch-up, commits per second',
    reads.toString(),
    '',
    showRebuild(report.rebuild),
    '',
  ].join('\n');
}

async function main(): Promise<void> {
  const asked = options();
  if (asked === undefined) {
    process.stdout.write(usage);
    return;
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'splicecast-bench-'));
  const closers: (() => Promise<unknown>)[] = [() => rm(dataDir, { recursive: true, force: true })];
  try {
    const nats = await EmbeddedNats.start({ dataDir });
    closers.push(() => nats.stop());
    const store = await connectEventStore(nats.service);
    closers.push(() => store.close());
    const connection = await openConnection(nats.service);
    closers.push(() => connection.close());
    const log = await bench(nats, store, connection, asked);
    const rebuild = await measureRebuild(asked, performance.now() + budgetMs);
    const report: Report = { ...log, rebuild };
    process.stdout.write(asked.json ? `${JSON.stringify(report, null, 2)}\n` : show(report));
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  process.stderr.write(`${error.message}\n\n${usage}`);
  process.exitCode = 1;
}
