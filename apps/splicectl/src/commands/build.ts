import { Command } from 'commander';
import type { BuildOptions } from '../build/run-build.js';

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
    .action(async (options: BuildOptions) => await (await import('../build/run-build.js')).runBuild(options));
}
