import type { MachineView } from './machine.js';
import type { DemoReport } from './report.js';
import type * as stages from './stages.js';
import type { StopWatch } from './stop-watch.js';

/** What the stages made of the drops. */
export interface Made {
  readonly series: stages.Drop;
  readonly fixes: readonly stages.Fix[];
  readonly bundles: readonly stages.Bundle[];
}

/** What a stock machine showed. */
export interface Shown {
  readonly probe: DemoReport['probe'];
  readonly settled: stages.Settled;
  readonly view: MachineView;
}

/** The report of what was made and shown; `ok` only if all of it really happened. */
export function reportOf(
  versions: DemoReport['versions'],
  { series, fixes }: Made,
  shown: Shown,
  clock: StopWatch,
): DemoReport {
  const { probe, settled, view } = shown;
  const { before, after, reversed } = probe;
  const built = fixes.filter((fix) => fix.state === 'built');
  const report: DemoReport = {
    schema: 1,
    ok: false,
    startedAt: clock.startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    versions,
    counts: {
      files: series.files ?? 0,
      commits: series.commits ?? 0,
      attributed: series.attributed ?? 0,
      remainders: series.remainders ?? 0,
      fixes: { proposed: fixes.length, built: built.length, refused: fixes.length - built.length },
      applied: settled.applied.length,
      held: settled.held.length,
    },
    fixes: fixes.map((fix) => ({
      fixId: fix.fixId,
      subject: fix.subject,
      state: fix.state,
      cves: fix.cves,
      functions: (fix.functions ?? []).map((one) => `${one.object}:${one.symbol}`),
      reasons: fix.reasons ?? [],
    })),
    timingsMs: clock.laps,
    probe,
    uptime: {
      beforeSec: before.uptimeSec,
      afterSec: reversed.uptimeSec,
      sameBoot: before.bootId === after.bootId && after.bootId === reversed.bootId,
    },
    machine: { machineId: view.machineId, effectiveKernel: view.effectiveKernel, cvesFixedLive: view.cvesFixedLive },
  };
  return { ...report, ok: happened(report) };
}

/** The demo worked only if a program in the guest saw each step, in one and the same boot. */
function happened({ probe, uptime, counts, machine }: DemoReport): boolean {
  return (
    !probe.before.patched &&
    probe.after.patched &&
    !probe.reversed.patched &&
    uptime.sameBoot &&
    uptime.afterSec > uptime.beforeSec &&
    counts.applied > 0 &&
    machine.effectiveKernel.includes('+live.')
  );
}
