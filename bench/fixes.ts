// Of a random sample of the fixes of a step, how many become live patches, how many are refused, and why.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { KernelImageError, loadProfile } from '#libs/kernelimage';
import { type SeriesEntry, SeriesReader, TreeError } from '#libs/trees';
import type { FixOutcome } from './fixes/outcome.js';
import { sampleOf } from './fixes/population.js';
import { reportOf, show } from './fixes/report.js';
import { FixWorker } from './fixes/workers.js';

const usage = `npm run bench:fixes -- --kernel PROFILE --series REPO [options]

  --kernel PROFILE  the kernel (splicectl kernel import) that the series begins with
  --series REPO     a step's commits (splicectl split)
  --count N         fixes to draw, 1 to 5000 (default 100)
  --seed N          another sample (default 1)
  --only COMMIT     that fix alone (its id's beginning)
  --limit SECONDS   longest a fix may take (default 120)
  --cache DIR       keep outcomes there, by commit and code, and go on where a run ended
  --modules DIR     keep the modules
  --kpatch PROGRAM  ask create-diff-object about the same objects
  --json            for programs
`;

interface Options {
  readonly kernel: string;
  readonly series: string;
  readonly count: number;
  readonly seed: number;
  readonly only?: string;
  readonly limitMs: number;
  readonly cache?: string;
  readonly modules?: string;
  readonly kpatch?: string;
  readonly json: boolean;
}

/** Reads the command line. @throws TypeError that says what is wrong. */
function options(): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      kernel: text,
      series: text,
      count: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      only: text,
      limit: { type: 'string', default: '120' },
      cache: text,
      modules: text,
      kpatch: text,
      json: { type: 'boolean', default: false },
    },
  });
  const { kernel, series, only, cache, modules, kpatch, json } = values;
  if (kernel === undefined || series === undefined) throw new TypeError('--kernel and --series are needed');
  const bounded = (name: 'count' | 'seed' | 'limit', max: number): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1 || value > max) throw new TypeError(`--${name}: 1 to ${max}`);
    return value;
  };
  return {
    kernel,
    series,
    count: bounded('count', 5000),
    seed: bounded('seed', 2 ** 31),
    limitMs: bounded('limit', 3600) * 1000,
    json,
    ...(only === undefined ? {} : { only }),
    ...(cache === undefined ? {} : { cache }),
    ...(modules === undefined ? {} : { modules }),
    ...(kpatch === undefined ? {} : { kpatch }),
  };
}

/** Names the code that builds: an outcome of other code is none of this one's. */
async function codeVersion(): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of ['../libs', '.']) {
    const root = fileURLToPath(new URL(folder, import.meta.url));
    const files = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.js')).sort();
    for (const file of files) hash.update(`${file}\0`).update(await readFile(join(root, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function remembered(
  folder: string | undefined,
  commit: SeriesEntry,
  make: () => Promise<FixOutcome>,
): Promise<FixOutcome> {
  if (folder === undefined) return await make();
  const file = join(folder, `${commit.commit}.json`);
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as FixOutcome;
  const outcome = await make();
  await mkdir(folder, { recursive: true });
  await writeFile(`${file}.part`, JSON.stringify(outcome, undefined, 1));
  await rename(`${file}.part`, file);
  return outcome;
}

async function main(): Promise<void> {
  const { kernel, series: repository, count, seed, only, limitMs, cache, modules, kpatch, json } = options();
  const profile = await loadProfile(kernel);
  const series = await SeriesReader.open(repository);
  const worker = new FixWorker(
    {
      kernel,
      series: repository,
      ...(modules === undefined ? {} : { modules }),
      ...(kpatch === undefined ? {} : { yardstick: kpatch }),
    },
    limitMs,
  );
  try {
    const base = { read: async (path: string) => await series.readFile(series.baseTree, path) };
    const commits =
      only === undefined ? series.commits : series.commits.filter(({ commit }) => commit.startsWith(only));
    const { funnel, sample } = await sampleOf(commits, profile, base, { count, seed });
    const folder = cache === undefined ? undefined : join(cache, await codeVersion());
    const fixes: FixOutcome[] = [];
    for (const commit of sample) {
      fixes.push(await remembered(folder, commit, async () => await worker.build(commit)));
      const { outcome, stage = '', reasons } = fixes.at(-1) as FixOutcome;
      const why = [...new Set(reasons.map(({ code }) => code))].join(' ');
      process.stderr.write(`${fixes.length}/${sample.length} ${outcome} ${stage} ${why}  ${commit.subject}\n`);
    }
    const about = { kernel: profile.data.release, version: profile.data.version, seed, funnel };
    const report = reportOf(about, fixes);
    process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : show(report));
  } finally {
    worker.stop();
    await series.close();
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof TypeError || error instanceof KernelImageError || error instanceof TreeError)) throw error;
  process.stderr.write(`${error.message}\n\n${usage}`);
  process.exitCode = 1;
}
