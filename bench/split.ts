// How well and how fast a monolith is split by upstream commits: makes cases with a given split-bench folder, splits, scores.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { type Applying, splitByGit } from './split/by-git.js';
import { casesAtHand } from './split/cases-at-hand.js';
import { gitAm } from './split/git-am.js';
import { gitApply } from './split/git-apply.js';
import { makeCase } from './split/make-case.js';
import { pairedByContent } from './split/paired-by-content.js';
import { scoreOf } from './split/score.js';
import { type Method, methods, type Result, tableOf } from './split/table.js';

const usage = `npm run bench:split -- --tools FOLDER [--repos FOLDER] [--no-git] [--json] [CASE...]

  --tools FOLDER   where make_case.py and score.py are (or SPLIT_BENCH in the environment)
  --repos FOLDER   where the repositories are that cases name
  --no-git         without what \`git am\`, \`git am -3\` and \`git apply -3\` make of the same cases
  --git-limit N    seconds that each of these may apply (default 120): it is judged by what it had by then
  --json           for programs
  CASE             a folder that make_case.py made, or its arguments in one word, without the output folder:
                   "simple REPO OLD NEW --after REF", "backport REPO OLD NEW --upstream REF";
                   none: of each repository in --repos, the newest step of 100 to 1,000 commits between two tags
`;

const timeoutMs = 30 * 60_000;
const run = promisify(execFile);
const splicectl = resolve(import.meta.dirname, '../../bin/splicectl');

type Measured = Pick<Result, 'seconds' | 'userSec' | 'peakMb' | 'isCut'>;

/** Splits in a process of its own, so that its time and peak memory are its own. */
async function splitWithSplicectl(folder: string, out: string): Promise<Measured> {
  const file = (part: string): string => join(folder, part);
  const args = ['-f', '%e %U %M', process.execPath, splicectl, 'split', '--from', file('a.tar'), '--to', file('b.tar')];
  args.push('--changelog', file('changelog.txt'), '--candidates', file('candidates.mbox'), '--out', out);
  const { stderr } = await run('/usr/bin/time', args, { timeout: timeoutMs, maxBuffer: 2 ** 26 });
  const [seconds = NaN, userSec = NaN, kilobytes = NaN] = (stderr.trim().split('\n').at(-1) ?? '')
    .split(' ')
    .map(Number);
  return { seconds, userSec, peakMb: kilobytes / 1024 };
}

interface Bench {
  readonly tools: string;
  readonly repos: string;
  readonly scratch: string;
  readonly gitLimitSec: number;
}

/** What it is compared with. */
const byGit: Readonly<Record<Exclude<Method, 'splicectl'>, Applying>> = {
  'git am': gitAm(),
  'git am -3': gitAm('--3way'),
  'git apply -3': gitApply('--3way'),
};

async function splitBy(bench: Bench, method: Method, folder: string, out: string): Promise<Measured> {
  if (method === 'splicectl') return splitWithSplicectl(folder, out);
  const options = { repos: bench.repos, limitSec: bench.gitLimitSec };
  const { applyingSec, peakMb, isCut } = await splitByGit(folder, out, byGit[method], options);
  return { seconds: applyingSec, peakMb, isCut };
}

async function measure(bench: Bench, truths: Truths, method: Method): Promise<Result[]> {
  const { folder, checked, parted } = truths;
  const name = basename(folder);
  const out = join(bench.scratch, `${name}.${method.replaceAll(' ', '')}`);
  try {
    const measured = await splitBy(bench, method, folder, out);
    const results: Result[] = [{ name, method, ...measured, score: await scoreOf(bench.tools, folder, out) }];
    if (parted > 0)
      results.push({ name, method, ...measured, parted, score: await scoreOf(bench.tools, checked, out) });
    return results;
  } catch (error) {
    const failure = error instanceof Error ? error.message.slice(-300) : String(error);
    return [{ name, method, seconds: NaN, failure }];
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

/** A case, and the same with a truth whose pairs were checked, if any had to be parted. */
interface Truths {
  readonly folder: string;
  readonly checked: string;
  readonly parted: number;
}

async function checkPairs(bench: Bench, folder: string): Promise<Truths> {
  const checked = join(bench.scratch, `${basename(folder)}.checked`);
  const parted = await pairedByContent(folder, checked);
  for (const { id, subject, lines, shared } of parted) {
    process.stderr.write(`no pair: ${id.slice(0, 12)} ${subject}: ${shared} of ${lines} lines in common\n`);
  }
  return { folder, checked, parted: parted.length };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      tools: { type: 'string', default: process.env['SPLIT_BENCH'] ?? '' },
      repos: { type: 'string', default: '' },
      'no-git': { type: 'boolean', default: false },
      'git-limit': { type: 'string', default: '120' },
      json: { type: 'boolean', default: false },
    },
  });
  const gitLimitSec = Number(values['git-limit']);
  if (values.tools === '' || (positionals.length === 0 && values.repos === '') || !(gitLimitSec > 0)) {
    process.stderr.write(usage);
    process.exitCode = 1;
    return;
  }
  const scratch = await mkdtemp(join(tmpdir(), 'bench-split-'));
  const bench: Bench = { tools: resolve(values.tools), repos: values.repos, scratch, gitLimitSec };
  const asked: readonly Method[] = values['no-git'] ? ['splicectl'] : methods;
  try {
    const results: Result[] = [];
    for (const spec of positionals.length > 0 ? positionals : await casesAtHand(values.repos)) {
      const folder = await makeCase(bench.tools, spec, bench.repos, scratch);
      const truths = await checkPairs(bench, folder);
      for (const method of asked) {
        const measured = await measure(bench, truths, method);
        results.push(...measured);
        if (!values.json) process.stderr.write(`${tableOf(measured)}\n`);
      }
      await rm(truths.checked, { recursive: true, force: true });
    }
    process.stdout.write(`${values.json ? JSON.stringify({ schema: 1, results }) : tableOf(results)}\n`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

await main();
