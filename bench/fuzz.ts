// Damaged input for everything that reads bytes from outside: an answer or a typed error, soon, in bounded memory.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judge, type Verdict } from './fuzz/judge.js';
import { Tally } from './fuzz/tally.js';
import { inputOf, loadTargets, makeSeeds } from './fuzz/targets.js';
import { FuzzWorker } from './fuzz/workers.js';

const usage = `npm run fuzz -- [options]

  --minutes N      how long (default 1)
  --seed N         other damage (default 1)
  --only TARGET    that target alone; may be given more than once
  --workers N      processes (default 2)
  --failures DIR   where inputs that fail are kept (default ./fuzz-failures)
  --input FILE     run that input once, with --only TARGET, in this process
`;

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly only: readonly string[];
  readonly workers: number;
  readonly failures: string;
  readonly input?: string;
}

/** Reads the command line. @throws TypeError that says what is wrong. */
function options(): Options {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string', multiple: true, default: [] },
      workers: { type: 'string', default: '2' },
      failures: { type: 'string', default: 'fuzz-failures' },
      input: { type: 'string' },
    },
  });
  const number = (name: 'minutes' | 'seed' | 'workers', least: number, most: number): number => {
    const value = Number(values[name]);
    if (!(value >= least && value <= most)) throw new TypeError(`--${name} is ${values[name]}`);
    return value;
  };
  const { only, failures, input } = values;
  const numbers = { minutes: number('minutes', 0.01, 10_000), seed: number('seed', 0, 2 ** 32) };
  return { ...numbers, workers: number('workers', 1, 64), only, failures, input };
}

/** Takes the targets in turn, so that each has as many cases as the others, until time is up. */
async function fuzz({ minutes, seed, workers, failures }: Options, names: readonly string[], folder: string) {
  const tally = new Tally();
  const end = Date.now() + minutes * 60_000;
  let next = 0;
  const keep = async (target: string, index: number, verdict: Verdict): Promise<void> => {
    await mkdir(failures, { recursive: true });
    const reader = (await loadTargets(folder, join(folder, 'own'))).find(({ name }) => name === target);
    const file = join(failures, `${target}-${seed}-${index}`);
    if (reader) await writeFile(file, await inputOf(reader, seed, index));
    process.stderr.write(`\r\u001B[K${target} case ${index}: ${verdict.failure}\n`);
    process.stderr.write(`  npm run fuzz -- --only ${target} --input ${file}\n`);
  };
  const work = async (number: number): Promise<void> => {
    const worker = new FuzzWorker(folder, join(folder, `worker-${number}`), seed);
    while (Date.now() < end) {
      const one = { target: names[next % names.length] ?? '', index: Math.floor(next / names.length) };
      next += 1;
      const verdict = await worker.run(one);
      tally.add(one.target, verdict);
      if (verdict.outcome === 'failed') await keep(one.target, one.index, verdict);
    }
    await worker.stop();
  };
  const timer = setInterval(() => {
    const left = Math.max(0, Math.round((end - Date.now()) / 1000));
    process.stderr.write(`\r\u001B[Kseed ${seed}: ${tally.cases} cases, ${tally.failures} failed, ${left} s left`);
  }, 1000);
  try {
    await Promise.all(Array.from({ length: workers }, async (_, number) => await work(number)));
  } finally {
    clearInterval(timer);
    process.stderr.write('\r\u001B[K');
  }
  return tally;
}

async function main(): Promise<void> {
  const chosen = options();
  const folder = await mkdtemp(join(tmpdir(), 'splicecast-fuzz-'));
  try {
    makeSeeds(folder);
    const targets = await loadTargets(folder, join(folder, 'own'));
    const wanted = targets.filter(({ name }) => chosen.only.length === 0 || chosen.only.includes(name));
    const [first] = wanted;
    if (first === undefined) throw new TypeError(`targets are ${targets.map(({ name }) => name).join(', ')}`);
    if (chosen.input !== undefined) {
      const verdict = await judge(first, await readFile(chosen.input));
      process.stdout.write(`${JSON.stringify(verdict, null, 1)}\n`);
      process.exitCode = verdict.outcome === 'failed' ? 1 : 0;
      return;
    }
    const names = wanted.map(({ name }) => name);
    const tally = await fuzz(chosen, names, folder);
    process.stdout.write(`${tally.table()}\nseed ${chosen.seed}: ${tally.cases} cases, ${tally.failures} failed\n`);
    process.exitCode = tally.failures > 0 ? 1 : 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  process.stderr.write(`${error.message}\n\n${usage}`);
  process.exitCode = 1;
}
