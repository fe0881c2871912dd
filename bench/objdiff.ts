// How long comparing an object before and after a fix takes, in process and as a command, beside kpatch's program.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { diffObjects } from '#libs/objdiff';
import { type CommandRun, runCommand } from './objdiff/command.js';
import { createDiffObject, sizesOfLinux61, writeSymbolTable } from './objdiff/create-diff-object.js';
import { median, medianTimeMs } from './objdiff/median.js';
import { compilePairs, type Pair, pairsIn } from './objdiff/pairs.js';

const usage = `npm run bench:objdiff -- [--pairs DIR] [--rounds N] [--json]

  --pairs DIR  objects NAME.ORIG.o and NAME.PATCHED.o (default: three that are compiled for it)
  --rounds N   measurements of which the median is taken, 1 to 50 (default 9; a third of it for commands)
  --json       for programs
  KPATCH=path  kpatch's create-diff-object, to run on the same pairs
`;

const command = fileURLToPath(new URL('../../bin/splicectl', import.meta.url));
const warmUpRounds = 3;

interface Figures {
  readonly name: string;
  readonly sizeBytes: number;
  readonly outcome: string;
  readonly inProcessMs: number;
  readonly command: CommandRun;
  readonly kpatch?: CommandRun & { readonly outcome: string };
}

interface Options {
  readonly pairs: string | undefined;
  readonly rounds: number;
  readonly json: boolean;
}

/** Reads the command line; undefined if it asks for help. @throws TypeError that says what is wrong. */
function options(): Options | undefined {
  const { values } = parseArgs({
    options: {
      pairs: { type: 'string' },
      rounds: { type: 'string', default: '9' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 50) throw new TypeError(`--rounds ${values.rounds}: 1 to 50`);
  return { pairs: values.pairs, rounds, json: values.json };
}

function medianRun(runs: readonly CommandRun[]): CommandRun {
  const peaks = runs.flatMap(({ peakBytes }) => peakBytes ?? []);
  return {
    timeMs: median(runs.map(({ timeMs }) => timeMs)),
    peakBytes: peaks.length === 0 ? undefined : Math.max(...peaks),
  };
}

const inputOf = ({ name, original, patched }: Pair) => ({
  objectFile: `${name}.o`,
  owner: 'vmlinux',
  original: readFileSync(original),
  patched: readFileSync(patched),
});

function measure(pair: Pair, scratch: string, rounds: number, kpatch: string | undefined): Figures {
  const input = inputOf(pair);
  const times = (run: () => CommandRun) => medianRun(Array.from({ length: Math.ceil(rounds / 3) }, run));
  const figures = {
    name: pair.name,
    sizeBytes: input.original.length,
    outcome: diffObjects(input).outcome,
    inProcessMs: medianTimeMs(() => diffObjects(input), rounds, warmUpRounds),
    command: times(() => runCommand(command, ['objdiff', pair.original, pair.patched])),
  };
  if (kpatch === undefined) return figures;
  const files = withoutTypes(pair, scratch);
  const { outcome } = createDiffObject(kpatch, files, scratch, sizesOfLinux61);
  const args = [files.original, files.patched, 'vmlinux', files.symbols, '/dev/null', 'bench', join(scratch, 'out.o')];
  const run = times(() => runCommand(kpatch, args, { ...process.env, ...sizesOfLinux61 }));
  return { ...figures, kpatch: { ...run, outcome } };
}

/** create-diff-object refuses every change of `.BTF`, which changes with each function: it gets the objects without. */
function withoutTypes({ original, patched }: Pair, scratch: string) {
  const files = { original: join(scratch, 'original.o'), patched: join(scratch, 'patched.o') };
  for (const [from, to] of [
    [original, files.original],
    [patched, files.patched],
  ] as const)
    runCommand('objcopy', ['--remove-section=.BTF', '--remove-section=.BTF.ext', from, to]);
  return { ...files, symbols: writeSymbolTable(files.original, scratch) };
}

const megabytes = (bytes: number | undefined) => (bytes === undefined ? '' : (bytes / 2 ** 20).toFixed(0));

function show(figures: readonly Figures[]): string {
  const table = new Table({
    head: [
      'object',
      'kB',
      'outcome',
      'in process ms',
      'command ms',
      'MB',
      'kpatch',
      'kpatch ms',
      'MB',
      'in process / kpatch',
    ],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, sizeBytes, outcome, inProcessMs, command: ours, kpatch } of figures)
    table.push([
      name,
      (sizeBytes / 1000).toFixed(0),
      outcome,
      inProcessMs.toFixed(1),
      ours.timeMs.toFixed(0),
      megabytes(ours.peakBytes),
      kpatch?.outcome ?? '',
      kpatch?.timeMs.toFixed(1) ?? '',
      megabytes(kpatch?.peakBytes),
      kpatch === undefined ? '' : (inProcessMs / kpatch.timeMs).toFixed(2),
    ]);
  const ratios = figures.flatMap(({ inProcessMs, kpatch }) => (kpatch ? [inProcessMs / kpatch.timeMs] : []));
  const summary =
    ratios.length === 0
      ? ''
      : `in process / kpatch: median ${median(ratios).toFixed(2)}, most ${Math.max(...ratios).toFixed(2)}\n`;
  return `${cpus().length} cpus\n${table.toString()}\n${summary}`;
}

function main(): void {
  const asked = options();
  if (asked === undefined) {
    process.stdout.write(usage);
    return;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'bench-objdiff-'));
  try {
    const pairs = asked.pairs === undefined ? compilePairs(scratch) : pairsIn(asked.pairs);
    if (pairs.length === 0) throw new TypeError(`${asked.pairs}: no NAME.ORIG.o with its NAME.PATCHED.o`);
    const kpatch = process.env['KPATCH'];
    for (let round = 0; round < warmUpRounds; round++) for (const pair of pairs) diffObjects(inputOf(pair));
    const figures = pairs.map((pair) => measure(pair, scratch, asked.rounds, kpatch));
    if (asked.json) process.stdout.write(`${JSON.stringify({ schema: 1, cpus: cpus().length, figures }, null, 2)}\n`);
    else process.stdout.write(show(figures));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

try {
  main();
} catch (error) {
  if (!(error instanceof TypeError) && !(error instanceof Error && 'code' in error)) throw error;
  process.stderr.write(`${error.message}\n\n${usage}`);
  process.exitCode = 1;
}
