import type { FaultRunOptions, FaultRunResult } from './fault-run.js';
import { describe } from './violation.js';

const shownViolations = 20;

/** What a run has to say, for people. */
export function reportOf(options: FaultRunOptions, result: FaultRunResult, tookSec: number): string {
  const { fleet, crowd, once, entitlement, entries, violations } = result;
  const { wishes, given } = crowd;
  const count = (outcome: string): number => wishes.filter((one) => one.outcome === outcome).length;
  const unanswered = wishes.filter((one) => one.unanswered > 0 && one.outcome !== 'ambiguous').length;
  const starts = fleet.victims.flatMap(({ startsMs }) => startsMs.slice(1));
  const bytes = given.filter(({ how }) => how === 'bytes').length;
  const { carriedOut, notCarriedOut } = once.ambiguous;
  const { version, syncsAlways } = fleet.broker;
  const reports = crowd.reports;
  const compared = Math.ceil(options.kills / options.killsPerRound);
  const lines = [
    `seed ${options.seed}, ${tookSec.toFixed(0)} s, nats-server ${version}, sync_interval ${syncsAlways ? 'always' : 'by default (not known to it)'}`,
    '',
    'killed             working  starting  ended at start  time to ready: median / max',
    ...fleet.victims.map((one) => {
      const { name, kills, selfEndedAtStart, startsMs } = one;
      const [median, max] = middleAndMost(startsMs.slice(1));
      return `  ${name.padEnd(16)} ${cell(kills.ready, 7)} ${cell(kills.starting, 9)} ${cell(selfEndedAtStart, 15)}  ${median} / ${max} ms`;
    }),
    `  ${'all'.padEnd(16)} ${cell(sum(fleet.victims.map(({ kills }) => kills.ready)), 7)} ${cell(sum(fleet.victims.map(({ kills }) => kills.starting)), 9)} ${cell(sum(fleet.victims.map((one) => one.selfEndedAtStart)), 15)}  ${middleAndMost(starts).join(' / ')} ms`,
    `  (the feed ${compared} times of these to compare it with one that was just started)`,
    '',
    `commands           ${count('acknowledged')} acknowledged (${unanswered} answered only when asked again), ${count('refused')} refused`,
    `without an answer  ${count('ambiguous')}: ${carriedOut} carried out, ${notCarriedOut} not`,
    `not in the audit   ${once.unaudited} acknowledged commands (their own events are there)`,
    `the log            ${entries.length} commits, ${sum(entries.map(({ events }) => events.length))} events, no gap`,
    `the catalog        ${result.tableRows} rows, as in a fresh fold`,
    `machines           ${crowd.leases.length} leases, ${bytes} downloads, ${given.length - bytes} offers, ${reports.length} reports, ${crowd.hints} hints`,
    `drops              ${crowd.drops?.taken.length ?? 0} taken, unpacked and split`,
    `given late         ${entitlement.late}, at most ${entitlement.latestMs.toFixed(0)} ms after the right to it ended`,
    '',
    violations.length === 0 ? 'no violation' : `${violations.length} VIOLATIONS`,
    ...violations.slice(0, shownViolations).map(describe),
  ];
  return `${lines.join('\n')}\n`;
}

function cell(value: number, width: number): string {
  return String(value).padStart(width);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

function middleAndMost(numbers: readonly number[]): readonly [number, number] {
  const sorted = numbers.toSorted((a, b) => a - b);
  return [sorted[Math.floor(sorted.length / 2)] ?? 0, sorted.at(-1) ?? 0];
}
