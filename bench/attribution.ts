// What the changelog alone tells of whose each change is: makes steps with known truth, scores, and fits the weights anew.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { TreeError } from '#libs/trees';
import { companionsOf } from './attribution/companions.js';
import { companionsFile } from './attribution/companions-file.js';
import { fit } from './attribution/fit.js';
import { importPatches } from './attribution/import-patches.js';
import { importRange } from './attribution/import-range.js';
import { scoreOf } from './attribution/score.js';
import { readStep, type Step, StepError, writeStep } from './attribution/step.js';
import { tablesOf } from './attribution/table.js';
import { usual } from './attribution/train.js';
import { weightsFile } from './attribution/weights-file.js';

const usage = `npm run bench:attribution -- import --repo REPO --range OLDER..NEWER --to DIR [--unlisted 0.1] [--seed N]
npm run bench:attribution -- import --patches FOLDER [--since DATE] [--until DATE] --to DIR [...]
npm run bench:attribution -- score --cases DIR... [--json]
npm run bench:attribution -- companions --cases DIR... --out FILE
npm run bench:attribution -- fit --cases DIR... [--held DIR]... [--seed N] [--passes N] [--out FILE]

  import       makes a step of a repository's commits, or of single patches by their dates
    --unlisted   share of the commits that its changelog leaves out
  score        precision and recall of each step with the program's weights, and how often beliefs come true
  companions   learns which words of code come with which words of subjects
    --out        where to write them; libs/patchsplit/src/evidence/companions.ts to take them
  fit          fits weights to steps, and scores them on those that are held out
    --held       a step to score before and after, not to fit on
    --out        where to write the weights; libs/patchsplit/src/evidence/weights.ts to take them
  --seed       another draw (default 1)
  --json       for programs
`;

function options() {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      cases: { type: 'string', multiple: true, default: [] },
      held: { type: 'string', multiple: true, default: [] },
      repo: text,
      range: text,
      patches: text,
      since: text,
      until: text,
      to: text,
      out: text,
      unlisted: { type: 'string', default: '0.1' },
      seed: { type: 'string', default: '1' },
      passes: { type: 'string', default: String(usual.passes) },
      json: { type: 'boolean', default: false },
    },
  });
  const number = (name: 'unlisted' | 'seed' | 'passes', least: number, most: number): number => {
    const value = Number(values[name]);
    if (value >= least && value <= most && (name === 'unlisted' || Number.isInteger(value))) return value;
    throw new TypeError(`--${name}: ${least} to ${most}`);
  };
  const [command, ...more] = positionals;
  return {
    ...values,
    command,
    cases: [...values.cases, ...more],
    unlisted: number('unlisted', 0, 0.9),
    seed: number('seed', 0, 2 ** 31),
    passes: number('passes', 1, 1000),
  };
}
type Options = ReturnType<typeof options>;

async function stepsOf(folders: readonly string[]): Promise<Step[]> {
  const steps: Step[] = [];
  for (const folder of folders) steps.push(await readStep(folder));
  return steps;
}

function dateOf(text: string | undefined): Date | undefined {
  const date = text === undefined ? undefined : new Date(text);
  if (date && Number.isNaN(date.getTime())) throw new TypeError(`${text} is no date: write 2024-04-01`);
  return date;
}

async function imported({ repo, range, patches, since, until, unlisted, seed }: Options): Promise<Omit<Step, 'name'>> {
  if (repo !== undefined && range !== undefined) return await importRange(repo, range, { unlisted, seed });
  if (patches === undefined) throw new TypeError('--repo and --range, or --patches, are needed');
  const [first, end] = [dateOf(since), dateOf(until)];
  const period = { ...(first && { since: first }), ...(end && { until: end }) };
  return await importPatches(patches, period, { unlisted, seed });
}

async function runImport(given: Options): Promise<void> {
  const { to } = given;
  if (to === undefined) throw new TypeError('--to is needed');
  const step = await imported(given);
  await writeStep(to, step);
  const known = step.truth.filter(({ size }) => size > 0).length;
  const counts = `${step.files.length} files, ${step.truth.length} hunks, ${step.subjects.length} subjects`;
  process.stdout.write(`${to}: ${counts}; of ${known} hunks it is known whose they are\n`);
}

async function runScore({ cases, json }: Options): Promise<void> {
  if (cases.length === 0) throw new TypeError('--cases is needed');
  const scores = [];
  for (const folder of cases) scores.push(scoreOf(await readStep(folder)));
  process.stdout.write(`${json ? JSON.stringify({ schema: 1, scores }) : tablesOf(scores)}\n`);
}

async function runCompanions({ cases, out }: Options): Promise<void> {
  if (cases.length === 0 || out === undefined) throw new TypeError('--cases and --out are needed');
  await writeFile(out, companionsFile(companionsOf(await stepsOf(cases))));
}

async function runFit({ cases, held, seed, passes, out }: Options): Promise<void> {
  if (cases.length === 0) throw new TypeError('--cases is needed');
  const looks = fit(await stepsOf(cases), { ...usual, seed, passes }, (look, loss) => {
    process.stderr.write(`look ${look + 1}: loss ${loss.toFixed(4)}\n`);
  });
  if (out !== undefined) await writeFile(out, weightsFile(looks));
  for (const step of await stepsOf(held)) {
    const [now, fitted] = [scoreOf(step), scoreOf(step, looks)];
    process.stdout.write(`the program's weights\n${tablesOf([now])}\nfitted\n${tablesOf([fitted])}\n`);
  }
}

async function main(): Promise<void> {
  const given = options();
  const { command } = given;
  if (command === 'import') await runImport(given);
  else if (command === 'score') await runScore(given);
  else if (command === 'companions') await runCompanions(given);
  else if (command === 'fit') await runFit(given);
  else throw new TypeError('one of import, score, companions, fit');
}

try {
  await main();
} catch (error) {
  if (!(error instanceof TypeError || error instanceof StepError || error instanceof TreeError)) throw error;
  process.stderr.write(`${error.message}\n\n${usage}`);
  process.exitCode = 1;
}
