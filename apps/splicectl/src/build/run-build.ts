import { readFile, stat } from 'node:fs/promises';
import { writeDurably } from '#libs/durable';
import {
  applyPatches,
  buildFix,
  type BuildOutcome,
  type BuildRequest,
  buildSeriesFix,
  SeriesHistory,
} from '#libs/hotpatch';
import { folderTree, KbuildError } from '#libs/kbuild';
import { KernelImageError, loadProfile } from '#libs/kernelimage';
import { printableLine } from '#libs/terminal';
import { SeriesReader, TreeError } from '#libs/trees';
import { moduleNameOf } from '../module-name.js';
import { printError, printJson } from '../output.js';
import { reportBuild } from './report.js';

export interface BuildOptions {
  readonly kernel: string;
  readonly source?: string;
  readonly patch?: readonly string[];
  readonly series?: string;
  readonly commit?: readonly string[];
  readonly replace?: boolean;
  readonly output: string;
  readonly json?: boolean;
}

/** The options don't say what to build. */
class OptionsError extends Error {
  readonly code = 'bad-options';
}

/** What is built: patches of a source folder, or commits of a series. */
type Input =
  | { readonly source: string; readonly patches: readonly string[] }
  | { readonly series: string; readonly commits: readonly string[] };

/** @throws OptionsError if it is neither, or both. */
function inputOf({ source, patch, series, commit }: BuildOptions): Input {
  const isPatches = source !== undefined && patch !== undefined;
  const isCommits = series !== undefined && commit !== undefined;
  if (isPatches && series === undefined && commit === undefined) return { source, patches: patch };
  if (isCommits && source === undefined && patch === undefined) return { series, commits: commit };
  throw new OptionsError('what to build is told by --source and --patch, or by --series and --commit');
}

type Target = Omit<BuildRequest, 'fix'>;

async function buildPatches(target: Target, source: string, files: readonly string[]): Promise<BuildOutcome> {
  if (!(await stat(source).catch(() => undefined))?.isDirectory()) {
    throw new KbuildError('bad-path', `${source} is no folder`);
  }
  const patches = await Promise.all(files.map(async (file) => await readFile(file)));
  const applied = await applyPatches(folderTree(source), patches);
  if ('refused' in applied) {
    return { outcome: 'refused', stage: 'apply', reasons: applied.refused, mismatches: [], objects: [] };
  }
  return await buildFix({ ...target, fix: applied.fix });
}

async function buildCommits(target: Target, repository: string, names: readonly string[]): Promise<BuildOutcome> {
  const reader = await SeriesReader.open(repository);
  try {
    const commits = names.map((name) => reader.commitOf(name));
    return await buildSeriesFix({ ...target, history: new SeriesHistory(reader), commits });
  } finally {
    await reader.close();
  }
}

async function build(options: BuildOptions): Promise<BuildOutcome> {
  const input = inputOf(options);
  const target: Target = {
    profile: await loadProfile(options.kernel),
    moduleName: moduleNameOf(options.output),
    replace: options.replace === true,
    onProgress: (stage, what) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${printableLine(`${stage} ${what}`)}`);
    },
  };
  if ('series' in input) return await buildCommits(target, input.series, input.commits);
  return await buildPatches(target, input.source, input.patches);
}

const expected = [OptionsError, KernelImageError, KbuildError, TreeError];

/** Builds, writes the module and says what became of it; the exit code too. */
export async function runBuild(options: BuildOptions): Promise<void> {
  const start = Date.now();
  try {
    const outcome = await build(options);
    if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
    if (outcome.outcome === 'built') await writeDurably(options.output, outcome.module.bytes, 0o644);
    reportBuild(outcome, { output: options.output, json: options.json === true, durationMs: Date.now() - start });
  } catch (error) {
    if (!expected.some((type) => error instanceof type)) throw error;
    const { code, message } = error as InstanceType<(typeof expected)[number]>;
    process.exitCode = 1;
    if (options.json === true) printJson({ outcome: 'error', code, reason: message });
    else printError(`${message} [${code}]`);
  }
}
