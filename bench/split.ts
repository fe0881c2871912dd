// How well and how fast a monolith is split by upstream commits: makes cases with a given split-bench folder, splits, scores.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import Table from 'cli-table3';

const usage = `npm run bench:split -- --tools FOLDER [--json] CASE...

  --tools FOLDER   where make_case.py and score.py are
  --json           for programs
  CASE             a folder that make_case.py made, or its arguments in one word, without the output folder:
                   "simple REPO OLD NEW --after REF", "backport REPO OLD NEW --upstream REF"
`;

const timeoutMs = 15 * 60_000;
const run = promisify(execFile);
const splicectl = resolve(import.meta.dirname, '../../bin/splicectl');

/** What score.py prints; percentages. */
interface Score {
  readonly exact: boolean;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly recovered_patch_id: number | null;
  readonly commits_all_lines_right: number | null;
  readonly decoys_claimed: number;
  readonly order_same_file: number | null;
  readonly vendor_kept_in_remainder: number | null;
  readonly structural: number | null;
}

interface Result {
  readonly name: string;
  readonly seconds: number;
  readonly peakMb: number;
  readonly score?: Score;
  readonly failure?: string;
}

/** Gives the case's folder, made where it isn't there. */
async function makeCase(tools: string, spec: string, scratch: string): Promise<string> {
  const [kind = '', repo = '', older = '', newer = '', ...options] = spec.split(/\s+/);
  if (kind !== 'simple' && kind !== 'backport') return resolve(spec);
  const out = join(scratch, `${basename(repo).replace(/\W/g, '')}-${older}-${newer}`.replaceAll('/', '_'));
  const skip = kind === 'backport' && !options.includes('--skip') ? ['--skip', 'no/such/file'] : [];
  await run('python3', [join(tools, 'make_case.py'), kind, repo, older, newer, out, ...options, ...skip], {
    timeout: timeoutMs,
  });
  return out;
}

/** Splits one case in a process of its own, so that its peak memory is its own. */
async function splitAndScore(tools: string, folder: string, scratch: string): Promise<Result> {
  const name = basename(folder);
  const out = join(scratch, `${name}.git`);
  const file = (part: string): string => join(folder, part);
  const args = ['-f', '%M', process.execPath, splicectl, 'split', '--from', file('a.tar'), '--to', file('b.tar')];
  args.push('--changelog', file('changelog.txt'), '--candidates', file('candidates.mbox'), '--out', out);
  const started = performance.now();
  try {
    const { stderr } = await run('/usr/bin/time', args, { timeout: timeoutMs, maxBuffer: 2 ** 26 });
    const seconds = (performance.now() - started) / 1000;
    const peakMb = Number(stderr.trim().split('\n').at(-1)) / 1024;
    const { stdout } = await run('python3', [join(tools, 'score.py'), folder, out], { timeout: timeoutMs });
    return { name, seconds, peakMb, score: JSON.parse(stdout.slice(0, stdout.lastIndexOf('}') + 1)) as Score };
  } catch (error) {
    const failure = error instanceof Error ? error.message.slice(-300) : String(error);
    return { name, seconds: (performance.now() - started) / 1000, peakMb: 0, failure };
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

const percent = (value: number | null): string => (value === null ? '–' : value.toFixed(2));

function tableOf(results: readonly Result[]): string {
  const head = [
    'case',
    'exact',
    'precision',
    'recall',
    'patch-id',
    'all lines',
    'decoys',
    'order',
    'vendor',
    'moves',
    's',
    'MB',
  ];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { name, seconds, peakMb, score, failure } of results) {
    if (!score) table.push([name, { colSpan: head.length - 1, content: failure ?? '' }]);
    else {
      table.push([
        name,
        score.exact ? 'yes' : 'NO',
        percent(score.precision),
        percent(score.recall),
        percent(score.recovered_patch_id),
        percent(score.commits_all_lines_right),
        score.decoys_claimed,
        percent(score.order_same_file),
        percent(score.vendor_kept_in_remainder),
        percent(score.structural),
        seconds.toFixed(1),
        peakMb.toFixed(0),
      ]);
    }
  }
  return table.toString();
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { tools: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  if (values.tools === undefined || positionals.length === 0) {
    process.stderr.write(usage);
    process.exitCode = 1;
    return;
  }
  const tools = resolve(values.tools);
  const scratch = await mkdtemp(join(tmpdir(), 'bench-split-'));
  try {
    const results: Result[] = [];
    for (const spec of positionals) {
      results.push(await splitAndScore(tools, await makeCase(tools, spec, scratch), scratch));
    }
    process.stdout.write(`${values.json ? JSON.stringify({ schema: 1, results }) : tableOf(results)}\n`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

await main();
