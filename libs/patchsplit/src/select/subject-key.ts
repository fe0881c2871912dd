/** A subject for comparing: without blanks, case, a number of a pull request, or a final full stop. */
export function subjectKey(subject: string): string {
  return subject
    .replace(/ \(#\d+\)$/, '')
    .replace(/[\s.]+$/, '')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase();
}

/**
 * What a changelog may call a commit: its subject, and that without its first part. RPM writes `[net] fix it` for `net: fix it`, and
 * an item has lost its tag.
 */
export function subjectKeys(subject: string): readonly string[] {
  return [...new Set([subject, subject.replace(/^[\w./-]{2,20}: /, '')].map(subjectKey))];
}
