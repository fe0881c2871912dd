import type { PlannedCommit } from './plan.js';

/** First line of a commit. */
export function subjectOf({ item, label }: PlannedCommit): string {
  return item?.subject ?? `${label ?? ''}: changes that no changelog entry explains`;
}

/** The whole message: the subject, and trailers as git-interpret-trailers(1) reads them. */
export function messageOf(commit: PlannedCommit): string {
  const { item, label, confidence } = commit;
  const trailers = item
    ? [
        `Changelog-entry: ${item.subject} (${item.version})`,
        ...item.cves.map((cve) => `CVE: ${cve}`),
        `Confidence: ${confidence.toFixed(3)}`,
      ]
    : [`Remainder: ${label ?? ''}`];
  return `${subjectOf(commit)}\n\n${trailers.join('\n')}\n`;
}
