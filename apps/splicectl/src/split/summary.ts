import { oneLine, remainderGroups, type SplitReport, sureness, unfoundByReason } from '#libs/patchsplit';
import { printLines, printTable } from '../output.js';
import type { FinishedSplit } from './split-drops.js';

const maxRows = 10;

/** Prints a split for people: the figures, what is uncertain, what wasn't found, what is left. */
export function printSummary(out: string, { report, timings }: FinishedSplit): void {
  for (const notice of report.notices) printLines(`note: ${oneLine(notice)}`);
  printFigures(report);
  printUncertain(report);
  printUnfound(report);
  printRemainders(report);
  printLines(`proof: the last commit's tree is ${report.proof.replayedTree}, which is the newer source bit for bit`);
  printLines(
    `${out} in ${(timings.totalMs / 1000).toFixed(1)} s; all of it in ${out}.report.html and ${out}.report.json`,
  );
}

function printFigures({ from, to, counts, commits, candidates, dependencies }: SplitReport): void {
  const share = counts.hunks === 0 ? 100 : (100 * counts.attributedHunks) / counts.hunks;
  const { sure, likely, uncertain } = sureness(commits);
  const different = commits.filter(({ difference }) => difference).length;
  printTable(
    [`${oneLine(from.version) || 'A'} → ${oneLine(to.version) || 'B'}`, ''],
    [
      ['changed', `${counts.files} files, +${counts.insertions} -${counts.deletions} lines, ${counts.hunks} hunks`],
      ['commits', `${counts.attributed}, with ${share.toFixed(1)} % of the hunks`],
      ['  confidence', `${sure} sure, ${likely} likely, ${uncertain} uncertain`],
      ...(candidates ? [['  from upstream', `${candidates.used} of ${candidates.looked}; ${different} differ`]] : []),
      ['  rest on others', `${dependencies.length}`],
      ['changelog', `${counts.subjectsFound} of ${counts.subjects} entries have a commit`],
      ['remainders', `${counts.remainders}, with ${counts.hunks - counts.attributedHunks} hunks`],
    ].map(([name, value]) => ({
      [`${oneLine(from.version) || 'A'} → ${oneLine(to.version) || 'B'}`]: name,
      '': value,
    })),
  );
}

function printUncertain({ commits }: SplitReport): void {
  const rows = commits
    .filter(({ kind }) => kind === 'attributed')
    .sort((a, b) => a.confidence - b.confidence)
    .slice(0, maxRows);
  if (rows.length === 0) return;
  printTable(
    ['least sure', 'confidence', 'rests on'],
    rows.map(({ subject, confidence, evidence }) => ({
      'least sure': subject.slice(0, 70),
      confidence: confidence.toFixed(2),
      'rests on': evidence.join(', '),
    })),
  );
}

function printUnfound(report: SplitReport): void {
  const rows = [...unfoundByReason(report)].map(([why, entries]) => ({
    'entries without a commit': why,
    count: String(entries.length),
    'for example': oneLine(entries[0]?.entry ?? '').slice(0, 60),
  }));
  if (rows.length > 0) printTable(['entries without a commit', 'count', 'for example'], rows);
}

function printRemainders(report: SplitReport): void {
  const groups = remainderGroups(report);
  if (groups.length === 0) return;
  const rows = groups.slice(0, maxRows).map(({ label, files, hunks, insertions, deletions }) => ({
    'not explained': oneLine(label),
    files: String(files),
    hunks: String(hunks),
    lines: `+${insertions} -${deletions}`,
  }));
  printTable(['not explained', 'files', 'hunks', 'lines'], rows);
  if (groups.length > maxRows) printLines(`and ${groups.length - maxRows} more subsystems`);
}
