import { Command } from 'commander';
import { printJson } from '../output.js';
import { SplitProgressBar } from '../split/progress-bar.js';
import { type SplitRequest, type SplitReport, splitDrops } from '../split/split-drops.js';

interface SplitOptions {
  readonly from: string;
  readonly to: string;
  readonly changelog?: string;
  readonly fromVersion?: string;
  readonly toVersion?: string;
  readonly candidates?: readonly string[];
  readonly out: string;
  readonly json?: boolean;
}

/** `splicectl split --from A --to B [--changelog F] --out REPO` → REPO (a bare git repository) and REPO.report.json */
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
    .action(async (options: SplitOptions) => {
      const bar = new SplitProgressBar(process.stderr);
      try {
        const report = await splitDrops(requestOf(options), (progress) => bar.show(progress));
        bar.stop();
        if (options.json) printJson({ ...report });
        else printSummary(options.out, report);
      } finally {
        bar.stop();
      }
    });
}

function requestOf(options: SplitOptions): SplitRequest {
  return {
    from: options.from,
    to: options.to,
    out: options.out,
    changelogFile: options.changelog,
    candidates: options.candidates,
    fromVersion: options.fromVersion,
    toVersion: options.toVersion,
  };
}

function printSummary(out: string, { counts, proof, from, to, timings, notices }: SplitReport): void {
  const share = counts.hunks === 0 ? 100 : Math.round((100 * counts.attributedHunks) / counts.hunks);
  const lines = [
    ...notices.map((notice) => `note: ${notice}`),
    `${from.version || 'A'} → ${to.version || 'B'}: ${counts.files} files, +${counts.insertions} -${counts.deletions} lines`,
    `${counts.attributed} commits for ${counts.subjects} changelog entries, with ${share} % of ${counts.hunks} hunks`,
    `${counts.remainders} remainders by subsystem`,
    `proof: the last commit's tree is ${proof.replayedTree}, which is the newer source bit for bit`,
    `${out} in ${(timings.totalMs / 1000).toFixed(1)} s`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
