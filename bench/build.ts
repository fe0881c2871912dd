// How long the way from a fix to a loadable module takes, phase by phase, and what kbuild takes for its objects alone.
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import {
  applyPatches,
  buildFix,
  type BuildOutcome,
  type BuildRequest,
  buildSeriesFix,
  SeriesHistory,
} from '#libs/hotpatch';
import { folderTree } from '#libs/kbuild';
import { KernelImageError, loadProfile } from '#libs/kernelimage';
import { SeriesReader, TreeError } from '#libs/trees';
import { checkTree, estimateWhole, type KernelTree, makeTwice, type WholeTree } from './build/kernel-tree.js';
import { type Phase, PhaseClock, phases, type PhaseTimes } from './build/phases.js';
import { runCommand } from './objdiff/command.js';
import { median } from './objdiff/median.js';

const usage = `npm run bench:build -- --kernel PROFILE (--series REPO --commit ID... | --source TREE --patch FILE...) [options]

  --kernel PROFILE    the kernel (splicectl kernel import)
  --series, --commit  commits of a series (splicectl split), each a fix
  --source, --patch   unified diffs against a source tree, each a fix
  --rounds N          builds of which the median is taken, 1 to 20 (default 3)
  --kernel-tree TREE  a prepared kernel tree, in which the objects are made twice by kbuild beside it
  --sample N          with --kernel-tree: what all of its objects would take, from N of them, 40 to 1000
  --seed N            another sample (default 1)
  --json              for programs
`;

const command = fileURLToPath(new URL('../../bin/splicectl', import.meta.url));

interface Options {
  readonly kernel: string;
  readonly series: string | undefined;
  readonly source: string | undefined;
  readonly fixes: readonly string[];
  readonly rounds: number;
  readonly tree: string | undefined;
  readonly sample: number | undefined;
  readonly seed: number;
  readonly json: boolean;
}

interface Figures {
  readonly fix: string;
  /** `built`, or the stage that refused it. */
  readonly outcome: string;
  readonly objects: number;
  /** Of the first build, with whatever it had to find out for the first time. */
  readonly firstSeconds: number;
  readonly medianSeconds: number;
  /** Of the median build. */
  readonly phases: PhaseTimes;
  /** `bin/splicectl build`, its start and the profile's loading included. */
  readonly commandSeconds: number;
  readonly commandPeakBytes?: number;
  /** kbuild in a prepared tree, the same objects twice; absent if there is no tree. */
  readonly kbuildSeconds?: number;
}

type Target = Omit<BuildRequest, 'fix'>;
type Build = (target: Target) => Promise<BuildOutcome>;

/** Reads the command line. @throws TypeError that says what is wrong. */
function options(): Options {
  const text = { type: 'string' } as const;
  const several = { type: 'string', multiple: true } as const;
  const { values } = parseArgs({
    options: {
      kernel: text,
      series: text,
      source: text,
      commit: several,
      patch: several,
      'kernel-tree': text,
      rounds: { type: 'string', default: '3' },
      sample: text,
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
  });
  const { kernel, series, source, commit = [], patch = [], json } = values;
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 20) throw new TypeError('--rounds: 1 to 20');
  if (kernel === undefined) throw new TypeError('--kernel is needed');
  const fixes = series === undefined ? patch : commit;
  if ((series === undefined) === (source === undefined) || fixes.length === 0)
    throw new TypeError('fixes are told by --series and --commit, or by --source and --patch');
  const tree = values['kernel-tree'];
  const sample = values.sample === undefined ? undefined : Number(values.sample);
  if (sample !== undefined && (!Number.isInteger(sample) || sample < 40 || sample > 1000 || tree === undefined))
    throw new TypeError('--sample: 40 to 1000, of a --kernel-tree');
  const seed = Number(values.seed);
  if (!Number.isInteger(seed) || seed < 1 || seed > 2 ** 31) throw new TypeError('--seed: 1 to 2147483648');
  return { kernel, series, source, fixes, rounds, tree, sample, seed, json };
}

function buildOfPatch(source: string, file: string): Build {
  return async (target) => {
    const applied = await applyPatches(folderTree(source), [await readFile(file)]);
    if ('refused' in applied) throw new TypeError(`${file}: ${applied.refused.map(({ reason }) => reason).join('; ')}`);
    return await buildFix({ ...target, fix: applied.fix });
  };
}

async function measure(
  asked: Options,
  tree: KernelTree | undefined,
  fix: string,
  target: Target,
  build: Build,
): Promise<Figures> {
  const runs: { readonly outcome: BuildOutcome; readonly times: PhaseTimes; readonly seconds: number }[] = [];
  for (let round = 0; round < asked.rounds; round++) {
    const clock = new PhaseClock();
    const began = performance.now();
    const outcome = await build({ ...target, onProgress: clock.heard });
    runs.push({ outcome, times: clock.end(), seconds: (performance.now() - began) / 1000 });
  }
  const middle = median(runs.map(({ seconds }) => seconds));
  const [first, chosen] = [runs[0], runs.find(({ seconds }) => seconds === middle)];
  if (first === undefined || chosen === undefined) throw new TypeError('nothing was measured');
  const { outcome, times } = chosen;
  const what =
    asked.series === undefined
      ? ['--source', asked.source ?? '', '--patch', fix]
      : ['--series', asked.series, '--commit', fix];
  const ran = runCommand(command, ['build', '--kernel', asked.kernel, ...what, '-o', join(tmpdir(), 'bench_build.ko')]);
  const objects = outcome.objects.map(({ path }) => path);
  return {
    fix: basename(fix).slice(0, 24),
    outcome: outcome.outcome === 'built' ? 'built' : `refused at ${outcome.stage}`,
    objects: objects.length,
    firstSeconds: first.seconds,
    medianSeconds: middle,
    phases: times,
    commandSeconds: ran.timeMs / 1000,
    ...(ran.peakBytes === undefined ? {} : { commandPeakBytes: ran.peakBytes }),
    ...(tree === undefined ? {} : { kbuildSeconds: await makeTwice(tree, objects) }),
  };
}

function show(figures: readonly Figures[], whole: WholeTree | undefined): string {
  const columns = ['fix', 'outcome', 'objects', 'first s', 'median s', ...phases, 'command s', 'MB', 'kbuild twice s'];
  const table = new Table({ head: columns, style: { head: [], border: [], compact: true } });
  for (const one of figures) {
    const inSeconds = (phase: Phase): string => (one.phases[phase] / 1000).toFixed(2);
    table.push([
      one.fix,
      one.outcome,
      one.objects,
      one.firstSeconds.toFixed(2),
      one.medianSeconds.toFixed(2),
      ...phases.map(inSeconds),
      one.commandSeconds.toFixed(2),
      one.commandPeakBytes === undefined ? '' : (one.commandPeakBytes / 1e6).toFixed(0),
      one.kbuildSeconds?.toFixed(2) ?? 'not measured',
    ]);
  }
  return `${table.toString()}\n${whole === undefined ? '' : showWhole(figures, whole)}`;
}

function showWhole(figures: readonly Figures[], whole: WholeTree): string {
  const { objects, sampled, medianSeconds, meanSeconds, twiceSeconds } = whole;
  const slowest = Math.max(...figures.map((one) => one.commandSeconds));
  return (
    `all ${objects} objects of the configuration, twice, by estimate: ${(twiceSeconds / 3600).toFixed(1)} h of one compiler ` +
    `(${sampled} objects: median ${medianSeconds.toFixed(2)} s, mean ${meanSeconds.toFixed(2)} s), ` +
    `${Math.floor(twiceSeconds / slowest)} times the slowest fix's command\n`
  );
}

async function main(): Promise<void> {
  const asked = options();
  if (asked.tree !== undefined) await checkTree(asked.tree);
  const profile = await loadProfile(asked.kernel);
  const target: Target = { profile, moduleName: 'bench_build', replace: false };
  const compiler = (profile.data.kbuild['CC'] ?? '').trim();
  const tree = asked.tree === undefined ? undefined : { folder: asked.tree, compiler };
  const reader = asked.series === undefined ? undefined : await SeriesReader.open(asked.series);
  const figures: Figures[] = [];
  try {
    for (const fix of asked.fixes) {
      const build: Build = reader
        ? async (one) =>
            await buildSeriesFix({ ...one, history: new SeriesHistory(reader), commits: [reader.commitOf(fix)] })
        : buildOfPatch(asked.source ?? '', fix);
      figures.push(await measure(asked, tree, fix, target, build));
    }
  } finally {
    await reader?.close();
  }
  const whole = tree && asked.sample !== undefined ? await estimateWhole(tree, asked.sample, asked.seed) : undefined;
  const report = { schema: 1, rounds: asked.rounds, figures, ...(whole === undefined ? {} : { whole }) };
  process.stdout.write(asked.json ? `${JSON.stringify(report, undefined, 2)}\n` : show(figures, whole));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof TypeError || error instanceof KernelImageError || error instanceof TreeError)) throw error;
  process.stderr.write(`${error.message}\n\n${usage}`);
  process.exitCode = 1;
}
