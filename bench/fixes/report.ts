import Table from 'cli-table3';
import type { FixOutcome } from './outcome.js';
import type { Funnel } from './population.js';

export interface Report {
  readonly schema: 1;
  readonly kernel: string;
  readonly version: string;
  readonly seed: number;
  readonly funnel: Funnel;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Fixes that were refused, by the codes of all their reasons. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Ours, then the other tool's, where it was asked. */
  readonly besideYardstick?: Readonly<Record<string, number>>;
  readonly seconds: { readonly median: number; readonly p90: number; readonly most: number };
  readonly fixes: readonly FixOutcome[];
}

/** Counts equal words, the most frequent first. */
function counted(words: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}

export function reportOf(
  about: { readonly kernel: string; readonly version: string; readonly seed: number; readonly funnel: Funnel },
  fixes: readonly FixOutcome[],
): Report {
  const refused = fixes.filter(({ outcome }) => outcome === 'refused');
  const seconds = fixes.map((fix) => fix.seconds).sort((a, b) => a - b);
  const at = (part: number): number => seconds[Math.min(seconds.length - 1, Math.floor(seconds.length * part))] ?? 0;
  const beside = fixes.flatMap(({ outcome, yardstick }) => (yardstick ? [`${outcome} / ${yardstick.verdict}`] : []));
  return {
    schema: 1,
    ...about,
    outcomes: counted(fixes.map(({ outcome }) => outcome)),
    refusals: counted(refused.map(({ stage, reasons }) => `${stage}: ${codesOf(reasons)}`)),
    ...(beside.length > 0 ? { besideYardstick: counted(beside) } : {}),
    seconds: { median: at(0.5), p90: at(0.9), most: at(1) },
    fixes,
  };
}

function codesOf(reasons: FixOutcome['reasons']): string {
  return [...new Set(reasons.map(({ code }) => code))].sort().join(' ');
}

const style = { head: [], border: [], compact: true };

function tableOf(head: readonly string[], counts: Readonly<Record<string, number>>): string {
  const table = new Table({ head: [...head], style });
  for (const [word, count] of Object.entries(counts)) table.push([word, count]);
  return table.toString();
}

/** The report as a person reads it. */
export function show(report: Report): string {
  const { funnel, seconds, fixes } = report;
  const list = new Table({ head: ['commit', 'outcome', 's', 'subject'], style });
  for (const { commit, outcome, reasons, seconds, subject } of fixes) {
    const how = outcome === 'refused' ? codesOf(reasons) : outcome;
    list.push([commit.slice(0, 12), how.slice(0, 48), seconds.toFixed(1), subject.slice(0, 64)]);
  }
  return [
    `${report.version} (${report.kernel}), seed ${report.seed}`,
    `${funnel.commits} commits, ${funnel.attributed} attributed, ${funnel.withCode} with code; of ${funnel.lookedAt} drawn ` +
      `${funnel.notBuilt} touch nothing that this kernel builds, ${funnel.sampled} are the sample`,
    list.toString(),
    tableOf(['outcome', 'fixes'], report.outcomes),
    tableOf(['refused (stage: all codes)', 'fixes'], report.refusals),
    ...(report.besideYardstick ? [tableOf(['ours / create-diff-object', 'fixes'], report.besideYardstick)] : []),
    `seconds a fix: median ${seconds.median.toFixed(1)}, 90th ${seconds.p90.toFixed(1)}, most ${seconds.most.toFixed(1)}`,
    '',
  ].join('\n');
}
