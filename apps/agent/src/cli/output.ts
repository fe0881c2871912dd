import type { Reason } from '#libs/contracts';
import { printable, printableLine } from '#libs/terminal';
import { DoneInPart, type Outcome } from '../applying.js';
import { type BundleView, type Status, statusExits } from '../domain/status.js';
import { AgentError, type AgentErrorCode } from '../errors.js';
import { isTrustReason } from '../refusal.js';

/** Where a verb writes, and how. */
export interface Output {
  readonly json: boolean;
  readonly out: (text: string) => void;
}

/** Prints a result: as JSON with its `schema`, or for people, in lines. Much of it are the words of a service that isn't trusted. */
export function show(output: Output, json: object, lines: readonly string[]): void {
  const text = output.json ? printable(JSON.stringify({ schema: 1, ...json })) : lines.map(printableLine).join('\n');
  output.out(`${text}\n`);
}

/** An entry of the daemon's log. What goes on in another line is indented: only an entry begins with a time. */
export function logEntry(at: Date, entry: string): string {
  return `${at.toISOString()} ${printable(entry).replaceAll('\n', '\n    ')}\n`;
}

const errorExits: Partial<Record<AgentErrorCode, number>> = {
  'unsupported-kernel': statusExits['unsupported-kernel'],
  'not-registered': statusExits.license,
  'license-refused': statusExits.license,
  untrusted: statusExits.trust,
  'lease-replayed': statusExits.trust,
  'trust-changed': statusExits.trust,
  'self-test-failed': statusExits.trust,
  held: statusExits.held,
};

/** Prints what went wrong and what to do, after what was done all the same. @returns the exit code. */
export function showError(output: Output, error: AgentError): number {
  const { code, message, advice } = error;
  const done = error instanceof DoneInPart ? { outcomes: error.outcomes } : {};
  show(output, { ...done, error: { code, reason: message, advice } }, [
    ...(done.outcomes ?? []).flatMap(outcomeLines),
    `splicecast: ${message}`,
    ...(advice === undefined ? [] : [`  → ${advice}`]),
  ]);
  return errorExits[code] ?? (isTrustReason({ code }) ? statusExits.trust : 1);
}

/** @returns 0 if all was done; 5 if something can't be trusted; 6 if something was held back. */
export function showOutcomes(output: Output, outcomes: readonly Outcome[]): number {
  const lines = outcomes.flatMap(outcomeLines);
  show(output, { outcomes }, lines.length === 0 ? ['nothing to do'] : lines);
  const reasons = outcomes.flatMap((outcome) => (outcome.result === 'refused' ? outcome.reasons : []));
  if (reasons.some(isTrustReason)) return statusExits.trust;
  return reasons.length > 0 ? statusExits.held : 0;
}

function outcomeLines(outcome: Outcome): string[] {
  return outcome.result === 'refused'
    ? [`refused  ${outcome.bundleId}`, ...outcome.reasons.flatMap(reasonLines)]
    : [`${outcome.result.padEnd(8)} ${outcome.bundleId} in ${outcome.transitionMs} ms`];
}

/** @returns the exit code of `status`. */
export function showStatus(output: Output, status: Status): number {
  const { kernel, lastCheckIn } = status;
  const lines = [
    `state      ${status.state}`,
    ...status.reasons.flatMap(reasonLines),
    `kernel     ${kernel === undefined ? 'unknown' : `${kernel.release} (${kernel.distro})`}`,
    `effective  ${status.effectiveKernel ?? 'unknown'}`,
    `service    ${status.service ?? 'none'}`,
    `check-in   ${lastCheckIn === undefined ? 'never' : `${lastCheckIn.at}${lastCheckIn.problem ? `: ${lastCheckIn.problem.reason}` : ''}`}`,
    ...(status.hearing === undefined ? [] : [`hears by   ${status.hearing.transport} since ${status.hearing.since}`]),
    `metadata   ${metadataLine(status)}`,
    ...(status.reportsWaiting > 0 ? [`reports    ${status.reportsWaiting} wait for the service`] : []),
    ...section('applied', status.applied),
    ...section('pending', status.pending),
    ...section('held', status.held),
  ];
  show(output, withoutSchema(status), lines);
  return statusExits[status.state];
}

/** Which signed metadata updates are trusted by, and for how long. */
export function metadataLine({ metadata, at }: Pick<Status, 'metadata' | 'at'>): string {
  if (metadata === undefined) return 'none yet';
  const { root, at: of, freshUntil } = metadata;
  if (root === undefined) {
    return 'not checked: trust.json pins no root (get it again once the service has one, then `register --repin`)';
  }
  const pinned = `root ${root.slice(0, 12)}… is pinned`;
  if (of === undefined || freshUntil === undefined) return `${pinned}; nothing that stands was had yet`;
  const expired = freshUntil <= at;
  return `${pinned}; as of ${of}, ${expired ? 'expired at' : 'fresh until'} ${freshUntil}${expired ? ': nothing new is applied' : ''}`;
}

export function section(title: string, bundles: readonly BundleView[]): string[] {
  return bundles.flatMap((bundle) => [
    `${title.padEnd(10)} ${bundle.bundleId}${bundle.level === undefined ? '' : ` (level ${bundle.level})`}`,
    ...bundle.fixes.map(({ subject, cves }) => `           ${[subject, ...cves].join('  ')}`),
    ...bundle.reasons.flatMap(reasonLines),
  ]);
}

export function reasonLines({ code, reason, advice }: Reason): string[] {
  return [`           ${code}: ${reason}`, ...(advice === undefined ? [] : [`           → ${advice}`])];
}

function withoutSchema({ schema: _schema, ...rest }: Status): object {
  return rest;
}
