// Kills the services and their NATS server at random moments under load, and looks whether every promise is kept.
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Logger } from '@nestjs/common';
import { stageNames } from './fleet.js';
import { reportOf } from './report.js';
import { runFaults, type FaultRunOptions } from './fault-run.js';

const usage = `npm run faults -- [options]

  --kills N        how often something is killed (default 200)
  --minutes M      how long the service works between kills, in all; coming back takes its own time (default 10)
  --seed N         whom, when, and what everybody does meanwhile (default: any, and the report names it)
  --machines N     how many machines (default 12)
  --operators N    how many operators (default 4)
  --patience N     of a thousand kills, how many wait until everything works again (default 500)
  --round N        after how many kills all is let come to rest and looked at (default 25)
  --keep           keep the run's folder
`;

const distDir = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

type Chosen = Omit<FaultRunOptions, 'folder'> & { readonly keep: boolean };

/** @returns undefined where only the usage is wanted. @throws TypeError */
function options(): Chosen | undefined {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '200' },
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(randomInt(1, 1_000_000)) },
      machines: { type: 'string', default: '12' },
      operators: { type: 'string', default: '4' },
      patience: { type: 'string', default: '500' },
      round: { type: 'string', default: '25' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  type Numbered = 'kills' | 'minutes' | 'machines' | 'operators' | 'patience' | 'round';
  const number = (name: Numbered, most: number): number => {
    const value = Number(values[name]);
    if (!(value >= 0 && value <= most)) throw new TypeError(`--${name} is ${values[name]}`);
    return value;
  };
  if (!/^[a-z0-9]{1,12}$/.test(values.seed)) throw new TypeError('--seed is up to 12 lower-case letters and digits');
  const kills = Math.max(1, number('kills', 100_000));
  return {
    seed: values.seed,
    kills,
    meanGapMs: (number('minutes', 10_000) * 60_000) / kills,
    patientPermille: number('patience', 1_000),
    killsPerRound: Math.max(1, number('round', 10_000)),
    size: { machines: number('machines', 1_000), operators: number('operators', 100) },
    stages: stageNames,
    distDir,
    say: (line) => process.stderr.write(`${line}\n`),
    keep: values.keep,
  };
}

/** Gives the exit code: 0 if every promise was kept. */
async function run(chosen: Chosen): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'splicecast-faults-'));
  let { keep } = chosen;
  try {
    process.stderr.write(`seed ${chosen.seed}, in ${folder}\n`);
    // The catalog that is folded anew has nothing to say.
    Logger.overrideLogger(false);
    const began = Date.now();
    const result = await runFaults({ ...chosen, folder });
    process.stdout.write(reportOf({ ...chosen, folder }, result, (Date.now() - began) / 1000));
    keep ||= result.violations.length > 0;
    return result.violations.length === 0 ? 0 : 1;
  } finally {
    if (keep) process.stderr.write(`kept: ${folder}\n`);
    else await rm(folder, { recursive: true, force: true });
  }
}

/** What was asked; the exit code instead where nothing is to be run. */
function asked(): Chosen | number {
  try {
    const chosen = options();
    if (chosen !== undefined) return chosen;
    process.stdout.write(usage);
    return 0;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`${error.message}\n\n${usage}`);
    return 2;
  }
}

const wish = asked();
process.exitCode = typeof wish === 'number' ? wish : await run(wish);
