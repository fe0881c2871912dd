import { Command } from 'commander';
import type { SplitOptions } from '../split/run-split.js';

/** `splicectl split --from A --to B [--changelog F] --out REPO` → REPO (a bare git repository), REPO.report.json and REPO.report.html */
export function splitCommand(): Command {
  return new Command('split')
    .description('break the step between two kernel sources into one commit per fix')
    .requiredOption('--from <source>', 'the older source: a folder, tar.*, linux-source .deb or SRPM')
    .requiredOption('--to <source>', 'the newer source')
    .option('--changelog <file>', "the vendor's changelog, .gz or plain (default: the one in the newer package)")
    .option(
      '--from-version <version>',
      'where the changelog begins to count (default: the version of the older source)',
    )
    .option('--to-version <version>', 'where it ends (default: the version of the newer source)')
    .option(
      '--candidates <source...>',
      'upstream commits: an mbox, a folder of patches, or a git repository (REPO, REPO#range)',
    )
    .requiredOption('--out <repo>', 'the git repository to make; clone it to look at the files')
    .option('--json', 'print the report')
    .action(async (options: SplitOptions) => await (await import('../split/run-split.js')).runSplit(options));
}
