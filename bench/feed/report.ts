import Table from 'cli-table3';
import type { Rates } from './rates.js';
import type { Restart } from './restart.js';
import type { Compared, Spread } from './spread.js';
import type { WireBytes } from './wire-bytes.js';

/** What was measured; a part that wasn't asked for is absent. */
export interface Report {
  readonly schema: 2;
  readonly natsServer: string;
  readonly cpus: number;
  readonly loadBefore: number;
  readonly loadAfter: number;
  readonly rounds: number;
  readonly agents: { readonly connected: number; readonly plain: number; readonly streams: number };
  readonly fanOut?: Compared;
  readonly recall?: Spread;
  readonly streams?: Compared;
  readonly streamsRevoked?: Spread;
  readonly rates?: Rates;
  readonly bytes?: WireBytes;
  readonly restart?: Restart;
  /** A promotion after it. */
  readonly afterRestart?: Spread;
  readonly revocation: Spread;
}

const ms = (value: number): string => `${value.toFixed(0)} ms`;
const ratios = ({ ratioP50, ratioP99 }: Compared): string => `p50 ${ratioP50.toFixed(2)}, p99 ${ratioP99.toFixed(2)}`;

function spreads(report: Report): string {
  const { fanOut, recall, streams, streamsRevoked, restart, afterRestart, revocation } = report;
  const rows: readonly (readonly [string, Spread | undefined])[] = [
    ['promoted → notified', fanOut?.service],
    ['plain NATS, published → heard', fanOut?.plain],
    ['recalled → notified', recall],
    ['promoted → notified by server-sent events', streams?.service],
    ['plain Node, sent → heard', streams?.plain],
    ['revoked → streams ended', streamsRevoked],
    ['restarted → listening', restart?.listening],
    ['restarted → checked in', restart?.checkedIn],
    ['promoted → notified, after that', afterRestart],
    ['revoked → cut off', revocation],
  ];
  const table = new Table({
    head: ['', 'reached', 'p50', 'p99', 'all'],
    style: { head: [], border: [], compact: true },
  });
  for (const [what, spread] of rows) {
    if (spread !== undefined) table.push([what, spread.reached, ms(spread.p50Ms), ms(spread.p99Ms), ms(spread.maxMs)]);
  }
  return table.toString();
}

/** The report for people. */
export function show(report: Report): string {
  const { agents, fanOut, streams, rates, bytes, restart } = report;
  const lines = [
    `nats-server ${report.natsServer}, ${report.cpus} cpus, load ${report.loadBefore.toFixed(1)} before, ${report.loadAfter.toFixed(1)} after, medians of ${report.rounds}`,
    `${agents.connected} agents with a token each, ${agents.plain} plain connections, ${agents.streams} streams`,
    '',
    spreads(report),
  ];
  if (fanOut !== undefined) lines.push(`the service / plain NATS: ${ratios(fanOut)}`);
  if (streams !== undefined) lines.push(`the service's streams / plain Node's: ${ratios(streams)}`);
  if (rates !== undefined) {
    const { checkInsPerSec, emptyPerSec, checkInMs, emptyMs, unexpected } = rates;
    lines.push(
      `check-ins without news: ${checkInsPerSec.toFixed(0)}/s, an empty route ${emptyPerSec.toFixed(0)}/s; ${unexpected} were no 304`,
      `processor time of one: ${checkInMs.toFixed(3)} ms, an empty route ${emptyMs.toFixed(3)} ms`,
    );
  }
  if (bytes !== undefined) {
    lines.push(`bytes of one: ${bytes.sent} sent, ${bytes.received} received, ${bytes.sent + bytes.received} in all`);
  }
  if (restart !== undefined) {
    const { peak, unanswered, feedReadyMs } = restart;
    const refusals = Object.entries(restart.refusals).map(([why, count]) => `${count} × ${why}`);
    lines.push(
      `restart: feed ready after ${ms(feedReadyMs)}, ${unanswered} attempts while nobody was there, refused: ${refusals.join(', ') || 'none'}`,
      `at most in use: nats-server ${peak.natsServer.toFixed(2)}, feed ${peak.feed.toFixed(2)}, the agents' process ${peak.agents.toFixed(2)} of a processor`,
    );
  }
  return `${lines.join('\n')}\n`;
}
