import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command } from 'commander';
import type { Reason } from '#libs/contracts';
import { applyPatches, buildFix, type BuildOutcome, type HotPatch, type Refusal } from '#libs/hotpatch';
import { folderTree, KbuildError } from '#libs/kbuild';
import { KernelImageError, loadProfile } from '#libs/kernelimage';
import { printJson } from '../output.js';

interface BuildOptions {
  readonly kernel: string;
  readonly source: string;
  readonly patch: readonly string[];
  readonly replace?: boolean;
  readonly output: string;
  readonly json?: boolean;
}

/** As objdiff's. */
const exitCodes = { built: 0, error: 1, refused: 2, 'no-change': 3 } as const;

/** The same path holds either the old file or the whole new one. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.${process.pid}.part`;
  await writeFile(draft, bytes);
  await rename(draft, path);
}

async function build(options: BuildOptions): Promise<BuildOutcome> {
  if (!(await stat(options.source).catch(() => undefined))?.isDirectory()) {
    throw new KbuildError('bad-path', `${options.source} is no folder`);
  }
  const profile = await loadProfile(options.kernel);
  const patches = await Promise.all(options.patch.map(async (file) => await readFile(file)));
  const applied = await applyPatches(folderTree(options.source), patches);
  if ('refused' in applied) {
    return { outcome: 'refused', stage: 'apply', reasons: applied.refused, mismatches: [], objects: [] };
  }
  return await buildFix({
    profile,
    fix: applied.fix,
    moduleName: basename(options.output, '.ko')
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, '_')
      .slice(0, 55),
    replace: options.replace === true,
    onProgress: (stage, what) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${stage} ${what}`);
    },
  });
}

function printReasons(label: string, reasons: readonly Reason[]): void {
  for (const { code, reason, symbol, object, advice } of reasons) {
    const where = [object, symbol].filter((one) => one !== undefined).join(' ');
    process.stdout.write(`${label}: ${where}${where === '' ? '' : ': '}${reason} [${code}]\n`);
    if (advice !== undefined) process.stdout.write(`    ${advice}\n`);
  }
}

function printBuilt({ module, functions, runPre, warnings }: HotPatch, output: string, durationMs: number): void {
  for (const { object, symbol, sizeBytes } of functions) {
    process.stdout.write(`replaces ${object}:${symbol} (${sizeBytes} bytes)\n`);
  }
  printReasons('note', warnings);
  process.stdout.write(
    `made ${output} (${module.bytes.length} bytes) in ${(durationMs / 1000).toFixed(1)} s; ` +
      `${runPre.matched} of ${runPre.checked} functions match the running kernel\n`,
  );
}

function isNoChange({ stage, reasons }: Refusal): boolean {
  return stage === 'diff' && reasons.every(({ code }) => code === 'no-change');
}

function report(outcome: BuildOutcome, options: BuildOptions, durationMs: number): void {
  const objects = outcome.objects.map(({ path, owner }) => ({ path, owner }));
  if (outcome.outcome === 'built') {
    process.exitCode = exitCodes.built;
    const { functions, runPre, warnings, module } = outcome;
    const made = { name: module.name, path: options.output, sizeBytes: module.bytes.length };
    if (options.json === true)
      printJson({ outcome: 'built', module: made, functions, runPre, warnings, objects, durationMs });
    else printBuilt(outcome, options.output, durationMs);
    return;
  }
  const kind = isNoChange(outcome) ? 'no-change' : 'refused';
  process.exitCode = exitCodes[kind];
  const { stage, reasons } = outcome;
  if (options.json === true) printJson({ outcome: kind, stage, reasons, objects, durationMs });
  else printReasons(`refused (${stage})`, reasons);
}

async function buildAction(options: BuildOptions): Promise<void> {
  const start = Date.now();
  try {
    const outcome = await build(options);
    if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
    if (outcome.outcome === 'built') await writeWhole(options.output, outcome.module.bytes);
    report(outcome, options, Date.now() - start);
  } catch (error) {
    if (!(error instanceof KernelImageError || error instanceof KbuildError)) throw error;
    process.exitCode = exitCodes.error;
    if (options.json === true) printJson({ outcome: 'error', code: error.code, reason: error.message });
    else process.stderr.write(`splicectl: ${error.message} [${error.code}]\n`);
  }
}

/** `splicectl build`: exits 0 made, 1 error, 2 refused, 3 no change. */
export function buildCommand(): Command {
  return new Command('build')
    .description('make a live patch of source patches, for one kernel: offline')
    .requiredOption('--kernel <profile>', 'the kernel (splicectl kernel import)')
    .requiredOption('--source <tree>', 'folder of the source that the kernel was built from')
    .requiredOption('--patch <file...>', 'unified diffs, -p1, in the order to apply them')
    .option('--replace', 'take the place of all live patches that are loaded')
    .requiredOption('-o, --output <module>', 'write the module there; its name is the file’s')
    .option('--json', 'for programs')
    .action(buildAction);
}
