import type { Hunk } from '../hunks/delta.js';

/**
 * The file with some of its hunks applied. Hunks of one file never overlap, so any choice of them composes, in any order of
 * commits: none gives the old file, all give the new one.
 * @param hunks ascending by `at`.
 */
export function compose(before: readonly string[], hunks: readonly Hunk[]): string[] {
  const lines: string[] = [];
  let next = 0;
  for (const hunk of hunks) {
    for (; next < hunk.at; next++) lines.push(before[next] ?? '');
    for (const line of hunk.added) lines.push(line);
    next = hunk.at + hunk.removed.length;
  }
  for (; next < before.length; next++) lines.push(before[next] ?? '');
  return lines;
}
