import Table from 'cli-table3';
import type { Score } from './score.js';

const percent = (part: number, whole: number): string => (whole === 0 ? '–' : ((100 * part) / whole).toFixed(1));

/** Precision and recall, a row a step; below it, of all steps together, how often what was believed came true. */
export function tablesOf(scores: readonly Score[]): string {
  const head = ['step', 'lines: precision', 'recall', 'hunks: precision', 'recall', 'whole commits'];
  const steps = new Table({ head, style: { head: [], border: [] } });
  for (const { step, lines, hunks, commits } of scores) {
    const shares = [lines, hunks].flatMap(({ known, claimed, right }) => [
      percent(right, claimed),
      percent(right, known),
    ]);
    steps.push([step, ...shares, `${commits.whole} of ${commits.known}`]);
  }
  return `${steps.toString()}\n${calibrationOf(scores)}`;
}

function calibrationOf(scores: readonly Score[]): string {
  const head = ['believed', 'hunks', 'lines', 'mean belief', 'came true'];
  const table = new Table({ head, style: { head: [], border: [] } });
  const buckets = scores.flatMap((score) => score.buckets);
  for (const from of [...new Set(buckets.map((bucket) => bucket.from))].sort((a, b) => a - b)) {
    const same = buckets.filter((bucket) => bucket.from === from);
    const sum = (of: (bucket: (typeof same)[number]) => number): number =>
      same.reduce((total, bucket) => total + of(bucket), 0);
    const lines = sum((bucket) => bucket.lines);
    table.push([
      `from ${from.toFixed(2)}`,
      sum(({ hunks }) => hunks),
      lines,
      percent(
        sum((bucket) => bucket.lines * bucket.believed),
        lines,
      ),
      percent(
        sum((bucket) => bucket.lines * bucket.right),
        lines,
      ),
    ]);
  }
  return table.toString();
}
