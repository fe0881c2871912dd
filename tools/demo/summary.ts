import type { DemoReport, Probe } from './report.js';

const seen = (probe: Probe): string => (probe.patched ? 'patched' : 'stock');

/** What a person wants to know at the end. */
export function summary(report: DemoReport, file: string): string {
  const { versions, counts, probe, uptime, machine, timingsMs } = report;
  const totalSec = Object.values(timingsMs).reduce((sum, ms) => sum + ms, 0) / 1000;
  const timings = Object.entries(timingsMs).map(([name, ms]) => `${name} ${(ms / 1000).toFixed(0)} s`);
  return `
${report.ok ? 'It worked.' : 'It did NOT work.'}  Debian ${versions.release}, fixed with no reboot.

  sources    ${versions.from} → ${versions.to}: ${counts.commits} commits (${counts.attributed} attributed, ${counts.remainders} remainders), exact
  fixes      ${counts.fixes.proposed} tried: ${counts.fixes.built} live patches, ${counts.fixes.refused} refused with reasons
  machine    ${counts.applied} applied, ${counts.held} held back; effective kernel ${machine.effectiveKernel}
  CVEs       ${machine.cvesFixedLive.length === 0 ? 'none in this sample' : machine.cvesFixedLive.join(' ')}
  /proc/version  before: ${seen(probe.before)}   after: ${seen(probe.after)}   after reversal: ${seen(probe.reversed)}
  uptime     ${uptime.beforeSec.toFixed(0)} s → ${uptime.afterSec.toFixed(0)} s, ${uptime.sameBoot ? 'the same boot' : 'ANOTHER BOOT'}
  time       ${totalSec.toFixed(0)} s: ${timings.join(', ')}
  report     ${file}
`;
}
