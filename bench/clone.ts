// What a clone costs over the catalog's HTTP, beside the same clone by file://, where nothing is between git and git.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import Table from 'cli-table3';
import { PublicRepositories } from '#libs/trees';
import { Client, type Cloned, type Shape, shapes } from './clone/client.js';
import { serve } from './clone/serve.js';

const usage = `npm run bench:clone -- REPO [--rounds N] [--clients N] [--only SHAPE]... [--json]

  REPO          a repository that \`splicectl split\` wrote
  --rounds N    default 3; the two ways take turns in each
  --clients N   how many clone at once in the second half (default 4)
  --only SHAPE  ${Object.keys(shapes).join(', ')}
  --json        for programs
`;

const product = 'bench';

interface Row {
  readonly shape: Shape;
  readonly clients: number;
  readonly httpSec: number;
  readonly fileSec: number;
  readonly megabytes: number;
}

interface Report {
  readonly schema: 1;
  readonly cpus: number;
  readonly load: number;
  readonly publishSec: number;
  /** Of making the pack for clones, in the background of the service. */
  readonly packSec: number;
  readonly rows: readonly Row[];
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

async function publish(repositories: PublicRepositories, store: string): Promise<number> {
  const { stdout } = await promisify(execFile)('git', ['--git-dir', store, 'rev-parse', 'refs/heads/main']);
  const commit = stdout.trim();
  const refs = { branches: new Map([['main', commit]]), tags: new Map([['newest', commit]]), head: 'main' };
  return timed(() => repositories.publish(product, refs));
}

/** All clients at once, so many rounds, the two ways in turns: what it takes until the last one is done. */
async function compare(
  client: Client,
  urls: readonly [string, string],
  shape: Shape,
  clients: number,
  rounds: number,
): Promise<Row> {
  const seconds: [number[], number[]] = [[], []];
  let megabytes = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const way of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      let cloned: Cloned[] = [];
      const all = async (): Promise<void> => {
        cloned = await Promise.all(Array.from({ length: clients }, () => client.clone(urls[way], shape)));
      };
      await all();
      seconds[way].push(Math.max(...cloned.map((one) => one.seconds)));
      megabytes = cloned[0]?.megabytes ?? 0;
    }
  }
  return { shape, clients, httpSec: median(seconds[0]), fileSec: median(seconds[1]), megabytes };
}

function tableOf(rows: readonly Row[]): string {
  const head = ['clone', 'at once', 'http s', 'file:// s', 'http / file', 'MB'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { shape, clients, httpSec, fileSec, megabytes } of rows) {
    const ratio = (httpSec / fileSec).toFixed(2);
    table.push([shape, clients, httpSec.toFixed(1), fileSec.toFixed(1), ratio, megabytes.toFixed(1)]);
  }
  return table.toString();
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '3' },
      clients: { type: 'string', default: '4' },
      only: { type: 'string', multiple: true, default: Object.keys(shapes) },
      json: { type: 'boolean', default: false },
    },
  });
  const [repo] = positionals;
  if (repo === undefined || positionals.length > 1 || values.only.some((name) => !(name in shapes))) {
    process.stderr.write(usage);
    process.exitCode = 1;
    return;
  }
  const scratch = await mkdtemp(join(tmpdir(), 'bench-clone-'));
  const repositories = new PublicRepositories(join(scratch, 'redpatch'), resolve(repo));
  try {
    const publishSec = await publish(repositories, resolve(repo));
    const packSec = await timed(() => repositories.pack(product));
    const server = await serve(repositories);
    const client = await Client.in(scratch);
    const urls = [`${server.url}/redpatch/${product}.git`, `file://${scratch}/redpatch/${product}.git`] as const;
    const rows: Row[] = [];
    for (const shape of values.only as Shape[]) {
      for (const clients of new Set([1, Number(values.clients)])) {
        rows.push(await compare(client, urls, shape, clients, Number(values.rounds)));
        if (!values.json) process.stderr.write(`${tableOf(rows.slice(-1))}\n`);
      }
    }
    await server.close();
    const report: Report = { schema: 1, cpus: cpus().length, load: loadavg()[0] ?? 0, publishSec, packSec, rows };
    if (values.json) return void process.stdout.write(`${JSON.stringify(report)}\n`);
    process.stdout.write(`${tableOf(rows)}\n${report.cpus} cpus, load ${report.load.toFixed(1)}; published in `);
    process.stdout.write(`${publishSec.toFixed(1)} s, packed in ${packSec.toFixed(1)} s\n`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

await main();
