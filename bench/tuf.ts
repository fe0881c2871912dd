// What trust costs at scale: the bytes that a machine fetches, and the time that publishing and verifying take.
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureClient } from './tuf/client.js';
import { measureMachine } from './tuf/machine.js';
import { populate, type Shape } from './tuf/population.js';
import { type Report, show } from './tuf/report.js';
import { measureStage } from './tuf/stage.js';

const usage = `npm run bench:tuf -- [--releases N] [--bundles N] [--channels N] [--only PART] [--json]

  --releases N   kernel releases in all (default 1000)
  --bundles N    bundles of each, at most 248 (default 50)
  --channels N   distributions times architectures (default 20)
  --only PART    client: what a machine fetches; machine: what it takes to let a bundle in; stage: signing and publishing
  --json         for programs
`;

const parts = ['client', 'machine', 'stage'] as const;
type Part = (typeof parts)[number];

interface Asked extends Shape {
  readonly only: readonly Part[];
  readonly json: boolean;
}

function options(): Asked | undefined {
  const { values } = parseArgs({
    options: {
      releases: { type: 'string', default: '1000' },
      bundles: { type: 'string', default: '50' },
      channels: { type: 'string', default: '20' },
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const bounded = (name: 'releases' | 'bundles' | 'channels', max: number): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1 || value > max) throw new TypeError(`--${name}: 1 to ${max}`);
    return value;
  };
  const only = parts.filter((part) => values.only === undefined || values.only === part);
  if (only.length === 0) throw new TypeError(`--only: ${parts.join(', ')}`);
  const [releases, bundles] = [bounded('releases', 10_000), bounded('bundles', 248)];
  return { releases, bundles, channels: bounded('channels', 100), only, json: values.json };
}

async function measure({ releases, bundles, channels, only }: Asked): Promise<Report> {
  const shape = { releases, bundles, channels };
  const population = await populate(shape);
  const folder = await mkdtemp(join(tmpdir(), 'splicecast-bench-tuf-'));
  try {
    const [loadBefore = 0] = loadavg();
    const found = {
      ...(only.includes('client') ? { client: await measureClient(folder, population) } : {}),
      ...(only.includes('machine') ? { machine: await measureMachine(population) } : {}),
      ...(only.includes('stage') ? { stage: await measureStage(population) } : {}),
    };
    return { schema: 2, ...shape, cpus: cpus().length, loadBefore, loadAfter: loadavg()[0] ?? 0, ...found };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const asked = options();
  if (asked === undefined) {
    process.stdout.write(usage);
    return;
  }
  const report = await measure(asked);
  process.stdout.write(asked.json ? `${JSON.stringify(report, null, 2)}\n` : show(report));
}

await main();
