import type { PlannedCommit } from './plan.js';
import type { UpstreamDifference } from './report/schema.js';

/** The trailers that a split writes; whatever else says so is quoted. */
const ownTrailer = /^(?:Upstream-commit|Changelog-entry|CVE|Confidence|Partial|Reworked|Remainder)\s*:/i;
const maxNamed = 3;
const maxTrailerLength = 1200;

/** First line of a commit. */
export function subjectOf({ item, label }: PlannedCommit): string {
  return oneLine(item?.subject ?? `${label ?? ''}: changes that no changelog entry explains`);
}

/** The whole message: the subject, and trailers as git-interpret-trailers(1) reads them. */
export function messageOf(commit: PlannedCommit): string {
  const { item, label, confidence } = commit;
  const trailers = item
    ? [...trailersOfEntry(item), `Confidence: ${confidence.toFixed(3)}`]
    : [trailer('Remainder', label ?? '')];
  return `${subjectOf(commit)}\n\n${trailers.join('\n')}\n`;
}

interface NamedEntry {
  readonly subject: string;
  readonly version: string;
  readonly cves: readonly string[];
}

export function trailersOfEntry({ subject, version, cves }: NamedEntry): string[] {
  return [trailer('Changelog-entry', `${subject} (${version})`), ...cves.map((cve) => trailer('CVE', cve))];
}

/** One trailer: whatever stands in the value stays in its line. */
export function trailer(name: string, value: string): string {
  return `${name}: ${oneLine(value).slice(0, maxTrailerLength)}`;
}

/** `Partial:` and `Reworked:`, with what differs from upstream. */
export function trailersOfDifference(difference: UpstreamDifference | undefined): string[] {
  if (!difference) return [];
  const { hunks, absentHunks, missingLines, otherLines, leftOut, reworked, moved } = difference;
  const trailers: string[] = [];
  if (absentHunks > 0 || leftOut.length > 0 || (missingLines > 0 && otherLines === 0)) {
    const parts = [
      ...(absentHunks > 0 ? [`${hunks - absentHunks} of ${hunks} hunks`] : []),
      ...(absentHunks === 0 && missingLines > 0 ? [linesOf(missingLines, 'left out')] : []),
      ...(leftOut.length > 0 ? [`${named(leftOut)} left out`] : []),
    ];
    trailers.push(trailer('Partial', parts.join('; ')));
  }
  if (otherLines > 0 || moved.length > 0) {
    const parts = [
      ...(otherLines > 0 ? [`${linesOf(otherLines, 'that upstream does not have')} in ${named(reworked)}`] : []),
      ...(moved.length > 0 ? [`${named(moved.map(({ upstream, path }) => `${upstream} is ${path}`))} here`] : []),
    ];
    trailers.push(trailer('Reworked', parts.join('; ')));
  }
  return trailers;
}

/** Somebody else's text for the body of a message, in which nothing is a trailer of ours or ends the message. */
export function quotedBody(body: string): string {
  return body
    .split('\n')
    .map((line) => line.replace(/\t/g, '        ').replace(/\p{Cc}/gu, ' '))
    .map((line) => (ownTrailer.test(line.trim()) || line.startsWith('---') ? `> ${line}` : line))
    .join('\n')
    .trim();
}

/** A text without line breaks or other control characters, the ones of Unicode too. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\s]+/gu, ' ').trim();
}

function linesOf(count: number, what: string): string {
  return `${count} ${count === 1 ? 'line' : 'lines'} ${what}`;
}

/** Paths are bytes as latin1: they are shown as the UTF-8 that they should be. */
function named(paths: readonly string[]): string {
  const shown = paths.slice(0, maxNamed).map((path) => Buffer.from(path, 'latin1').toString('utf8'));
  const more = paths.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
