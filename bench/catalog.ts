// How long the catalog's answers take under load, as they are and as of earlier moments, beside a route that does nothing and one row of sqlite3.
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { z } from 'zod';
import { type Answered, load, percentile } from './catalog/load.js';
import { eachRoute, mix } from './catalog/mix.js';
import { type RouteCost, routeCosts } from './catalog/route-costs.js';
import { nextMessage } from './child-message.js';

const usage = `npm run bench:catalog -- [--machines N] [--patches N] [--rate N] [--seconds N] [--rounds N] [--data DIR] [--json]

  --machines N   machines in the log (default 100000)
  --patches N    fixes, each with its bundle (default 5000)
  --rate N       requests a second (default 200)
  --seconds N    of each load in a round (default 15)
  --rounds N     rounds, in each of which everything is loaded in turn (default 3)
  --data DIR     keep log and tables there, and use them if they are there
  --json         for programs
`;
const token = 'the-benchmark-s-own-admin-token';
const setupMs = 1_800_000;
const whole = z.coerce.number().int().min(1);
const optionsSchema = z.object({
  machines: whole,
  patches: whole,
  rate: whole.max(900),
  seconds: whole.max(600),
  rounds: whole.max(15),
});
const servedSchema = z.object({
  url: z.string(),
  events: z.number(),
  appendSec: z.number(),
  foldSec: z.number(),
  commits: z.number(),
  last: z.number(),
});

/** An option with a default, as `parseArgs` takes it. */
const text = (value: string) => ({ type: 'string', default: value }) as const;

function options() {
  const { values } = parseArgs({
    options: {
      machines: text('100000'),
      patches: text('5000'),
      rate: text('200'),
      seconds: text('15'),
      rounds: text('3'),
      data: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const parsed = optionsSchema.safeParse(values);
  if (!parsed.success) throw new TypeError(z.prettifyError(parsed.error));
  return { ...parsed.data, data: values.data, json: values.json };
}

/** A program of this benchmark in a process of its own. */
function start(name: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): ChildProcess {
  const program = fileURLToPath(new URL(`./catalog/${name}.js`, import.meta.url));
  // As `npm start` starts the service.
  return fork(program, [...args], { env, execArgv: ['--v8-pool-size=0'] });
}

interface Figures {
  readonly name: string;
  readonly requests: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Processor time of the service for one answer, where nothing else was asked meanwhile. */
  readonly cpuMs?: number;
}

function figures(name: string, answers: readonly Answered[]): Figures {
  const ms = answers.map((one) => one.ms);
  // Of a thing that was not there yet it is right to say so.
  const failed = answers.filter(({ status }) => status !== 200 && status !== 404).length;
  return {
    name,
    requests: answers.length,
    failed,
    p50: percentile(ms, 0.5),
    p99: percentile(ms, 0.99),
    max: Math.max(...ms),
  };
}

function show(rows: readonly Figures[]): string {
  const table = new Table({
    head: ['', 'requests', 'failed', 'p50 ms', 'p99 ms', 'max ms', 'cpu ms'],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, requests, failed, p50, p99, max, cpuMs } of rows)
    table.push([name, requests, failed, p50.toFixed(1), p99.toFixed(1), max.toFixed(0), cpuMs?.toFixed(2) ?? '']);
  return table.toString();
}

async function bench(asked: NonNullable<ReturnType<typeof options>>, dataDir: string, children: ChildProcess[]) {
  const { machines, patches, rate, seconds, rounds } = asked;
  const env = { ...process.env, SPLICECAST_DATA: dataDir, SPLICECAST_PORT: '0', SPLICECAST_ADMIN_TOKEN: token };
  const service = start('service', [String(machines), String(patches)], env);
  children.push(service);
  const served = servedSchema.parse(await nextMessage(service, setupMs));
  const plain = start('plain', [dataDir, String(machines)]);
  children.push(plain);
  const { url: plainUrl } = z.object({ url: z.string() }).parse(await nextMessage(plain, 60_000));
  const headers = { authorization: `Bearer ${token}` };
  const size = { machines, patches };
  const past = (): string => String(1 + Math.floor(Math.random() * served.last));
  const loads: readonly (readonly [string, () => Promise<readonly Answered[]>])[] = [
    ['fastify, an empty route', () => load(plainUrl, {}, rate, seconds, () => ({ name: 'empty', path: '/empty' }))],
    ['fastify, one row of sqlite3', () => load(plainUrl, {}, rate, seconds, () => ({ name: 'row', path: '/row' }))],
    ['catalog', () => load(served.url, headers, rate, seconds, mix(1, size))],
    ['catalog as of', () => load(served.url, headers, rate, seconds, mix(2, size, past))],
  ];
  const cpu = new Map<string, number>(loads.map(([name]) => [name, 0]));
  const answers = new Map<string, Answered[]>(loads.map(([name]) => [name, []]));
  await load(served.url, headers, rate, 3, mix(3, size));
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of loads) {
      const before = await cpuMs(service);
      answers.get(name)?.push(...(await run()));
      cpu.set(name, (cpu.get(name) ?? 0) + (await cpuMs(service)) - before);
    }
  }
  const used = (): Promise<number> => cpuMs(service);
  const costs = {
    now: await routeCosts(served.url, headers, eachRoute(4, size), used),
    asOf: await routeCosts(served.url, headers, eachRoute(5, size, past), used),
  };
  const byRoute = (name: string, cost: readonly RouteCost[]): Figures[] => {
    const all = answers.get(name) ?? [];
    const routes = [...new Set(all.map((one) => one.name))];
    const rows = routes.map((route) => ({
      ...figures(
        route,
        all.filter((one) => one.name === route),
      ),
      cpuMs: cost.find((one) => one.name === route)?.cpuMs ?? Number.NaN,
    }));
    return rows.sort((one, other) => other.p99 - one.p99);
  };
  return {
    schema: 1,
    cpus: cpus().length,
    loadAverage: loadavg()[0] ?? 0,
    machines,
    patches,
    rate,
    setup: served,
    totals: [...answers].map(([name, some]) => figures(name, some)),
    /** Processor time of the service for one answer, in ms. */
    cpuMs: {
      now: (cpu.get('catalog') ?? 0) / (answers.get('catalog')?.length ?? 1),
      asOf: (cpu.get('catalog as of') ?? 0) / (answers.get('catalog as of')?.length ?? 1),
    },
    now: byRoute('catalog', costs.now),
    asOf: byRoute('catalog as of', costs.asOf),
  };
}

/** Processor time that a process has used, in ms. */
async function cpuMs(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const { user, system } = z.object({ user: z.number(), system: z.number() }).parse(await nextMessage(child, 60_000));
  return (user + system) / 1000;
}

async function main(): Promise<void> {
  const asked = options();
  if (asked === undefined) {
    process.stdout.write(usage);
    return;
  }
  const dataDir = asked.data ?? (await mkdtemp(join(tmpdir(), 'splicecast-bench-')));
  const children: ChildProcess[] = [];
  try {
    const report = await bench(asked, dataDir, children);
    const { setup, loadAverage, machines, patches, rate } = report;
    const made =
      setup.events === 0
        ? 'a log that was there'
        : `${setup.events} events appended in ${setup.appendSec.toFixed(0)} s`;
    const lines = [
      `${machines} machines, ${patches} patches: ${made}, ${setup.commits} commits folded in ${setup.foldSec.toFixed(0)} s; ${rate} requests/s, ${report.cpus} cpus, load ${loadAverage.toFixed(1)}`,
      show(report.totals),
      `the service's processor time for one answer: ${report.cpuMs.now.toFixed(2)} ms, as of ${report.cpuMs.asOf.toFixed(2)} ms`,
      'catalog, by route',
      show(report.now),
      'catalog as of a random position, by route',
      show(report.asOf),
    ];
    process.stdout.write(asked.json ? `${JSON.stringify(report, null, 2)}\n` : `${lines.join('\n\n')}\n`);
  } finally {
    for (const child of children) if (child.connected) child.send('end');
    const running = children.filter(({ exitCode }) => exitCode === null);
    await Promise.all(running.map((child) => nextMessage(child, 20_000)));
    if (asked.data === undefined) await rm(dataDir, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  process.stderr.write(`${error.message}\n\n${usage}`);
  process.exitCode = 1;
}
