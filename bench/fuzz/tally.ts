import Table from 'cli-table3';
import type { Verdict } from './judge.js';

/** The figures of one target. */
interface Figures {
  cases: number;
  ms: number;
  slowestMs: number;
  mostBytes: number;
  failures: number;
  readonly outcomes: Map<string, number>;
}

/** Counts what became of the cases, by target. */
export class Tally {
  private readonly byTarget = new Map<string, Figures>();

  add(target: string, { outcome, ms, peakBytes }: Verdict): void {
    const figures: Figures = this.byTarget.get(target) ?? {
      cases: 0,
      ms: 0,
      slowestMs: 0,
      mostBytes: 0,
      failures: 0,
      outcomes: new Map(),
    };
    this.byTarget.set(target, figures);
    figures.cases += 1;
    figures.ms += ms;
    figures.slowestMs = Math.max(figures.slowestMs, ms);
    figures.mostBytes = Math.max(figures.mostBytes, peakBytes);
    if (outcome === 'failed') figures.failures += 1;
    figures.outcomes.set(outcome, (figures.outcomes.get(outcome) ?? 0) + 1);
  }

  get cases(): number {
    return [...this.byTarget.values()].reduce((sum, { cases }) => sum + cases, 0);
  }

  get failures(): number {
    return [...this.byTarget.values()].reduce((sum, { failures }) => sum + failures, 0);
  }

  table(): string {
    const table = new Table({
      head: ['target', 'cases', 'cases/s', 'slowest ms', 'most MiB', 'failed', 'outcomes'],
      style: { head: [], border: [], compact: true },
    });
    for (const [name, { cases, ms, slowestMs, mostBytes, failures, outcomes }] of this.byTarget) {
      const often = [...outcomes].sort(([, a], [, b]) => b - a).slice(0, 4);
      const shown = often.map(([outcome, count]) => `${outcome} ${Math.round((100 * count) / cases)} %`).join(', ');
      const rate = ((1000 * cases) / ms).toFixed(0);
      table.push([name, cases, rate, slowestMs.toFixed(0), (mostBytes / 2 ** 20).toFixed(1), failures, shown]);
    }
    return table.toString();
  }
}
