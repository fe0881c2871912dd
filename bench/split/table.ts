import Table from 'cli-table3';
import type { Score } from './score.js';

/** By what a case is split. */
export const methods = ['splicectl', 'git am', 'git am -3', 'git apply -3'] as const;
export type Method = (typeof methods)[number];

/** One case, as one of the methods split it. */
export interface Result {
  readonly name: string;
  readonly method: Method;
  readonly seconds: number;
  /** Of a processor, without the system's; absent where git ran in many processes. */
  readonly userSec?: number;
  readonly peakMb?: number;
  /** It was ended at its limit: the score is of what it had by then. */
  readonly isCut?: boolean;
  /** Scored by a truth from which so many pairs were parted. */
  readonly parted?: number;
  readonly score?: Score;
  readonly failure?: string;
}

const percent = (value: number | null): string => (value === null ? '–' : value.toFixed(2));
const columns: readonly (readonly [string, (score: Score) => string])[] = [
  ['exact', ({ exact }) => (exact ? 'yes' : 'NO')],
  ['precision', ({ precision }) => percent(precision)],
  ['recall', ({ recall }) => percent(recall)],
  ['patch-id', ({ recovered_patch_id: share }) => percent(share)],
  ['all lines', ({ commits_all_lines_right: share }) => percent(share)],
  ['decoys', ({ decoys_claimed: count, commits_true: of }) => `${count} of ${of}`],
  ['order', ({ order_same_file: share }) => percent(share)],
  ['vendor', ({ vendor_kept_in_remainder: share }) => percent(share)],
  ['moves', ({ structural }) => percent(structural)],
];

export function tableOf(results: readonly Result[]): string {
  const head = ['case', 'by', ...columns.map(([name]) => name), 's (user)', 'MB'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { name, method, seconds, userSec, peakMb, isCut, parted, score, failure } of results) {
    const figures = score
      ? columns.map(([, figure]) => figure(score))
      : [{ colSpan: columns.length, content: failure ?? 'no score' }];
    const time = `${seconds.toFixed(1)}${userSec === undefined ? '' : ` (${userSec.toFixed(1)})`}`;
    const by = isCut === true ? `${method}, cut` : method;
    table.push([
      parted === undefined ? name : `  without ${parted} pairs`,
      by,
      ...figures,
      time,
      peakMb === undefined ? '–' : peakMb.toFixed(0),
    ]);
  }
  const cut = results.some(({ isCut }) => isCut) ? '\ncut: ended at its time limit, scored by what it had applied' : '';
  const apart = results.some(({ parted }) => parted !== undefined)
    ? '\nwithout pairs: scored again, commits that were paired by subject and have little in common being no pairs'
    : '';
  return `${table.toString()}${cut}${apart}`;
}
