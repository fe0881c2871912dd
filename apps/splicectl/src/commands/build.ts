import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command } from 'commander';
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
import { SeriesReader, TreeError } from '#libs/trees';
import { reportBuild } from '../build/report.js';
import { printJson } from '../output.js';

interface BuildOptions {
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

/** The same path holds either the old file or the whole new one. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.${process.pid}.part`;
  await writeFile(draft, bytes);
  await rename(draft, path);
}

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
    moduleName: basename(options.output, '.ko')
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, '_')
      .slice(0, 55),
    replace: options.replace === true,
    onProgress: (stage, what) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${stage} ${what}`);
    },
  };
  if ('series' in input) return await buildCommits(target, input.series, input.commits);
  return await buildPatches(target, input.source, input.patches);
}

const expected = [OptionsError, KernelImageError, KbuildError, TreeError];

async function buildAction(options: BuildOptions): Promise<void> {
  const start = Date.now();
  try {
    const outcome = await build(options);
    if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
    if (outcome.outcome === 'built') await writeWhole(options.output, outcome.module.bytes);
    reportBuild(outcome, { output: options.output, json: options.json === true, durationMs: Date.now() - start });
  } catch (error) {
    if (!expected.some((type) => error instanceof type)) throw error;
    const { code, message } = error as InstanceType<(typeof expected)[number]>;
    process.exitCode = 1;
    if (options.json === true) printJson({ outcome: 'error', code, reason: message });
    else process.stderr.write(`splicectl: ${message} [${code}]\n`);
  }
}

/** `splicectl build`: exits 0 made, 1 error, 2 refused, 3 no change. */
export function buildCommand(): Command {
  return new Command('build')
    .description('make a live patch of source patches, or of commits of a series, for one kernel: offline')
    .requiredOption('--kernel <profile>', 'the kernel (splicectl kernel import)')
    .option('--source <tree>', 'folder of the source that the kernel was built from')
    .option('--patch <file...>', 'unified diffs, -p1, in the order to apply them')
    .option('--series <repository>', 'commits that begin with that source (splicectl split)')
    .option('--commit <id...>', 'commits of the series; earlier ones that they rest on come along')
    .option('--replace', 'take the place of all live patches that are loaded')
    .requiredOption('-o, --output <module>', 'write the module there; its name is the file’s')
    .option('--json', 'for programs')
    .action(buildAction);
}
