import type { TreeChange } from '#libs/trees';
import type { Candidate } from '../candidates/candidate.js';
import type { StepItem } from '../changelog/changelog.js';
import { subjectKey } from './subject-key.js';

/**
 * Whether a candidate can matter to a step: the changelog names it, or it touches a file that differs. A repository of 30,000
 * commits is read through this, so that only those are kept.
 */
export function relevance(
  changes: readonly TreeChange[],
  items: readonly StepItem[],
): (candidate: Candidate) => boolean {
  const subjects = new Set(items.map(({ subject }) => subjectKey(subject)));
  const paths = new Set(changes.map(({ path }) => path));
  return ({ subject, files }) =>
    subjects.has(subjectKey(subject)) || files.some(({ from, to }) => paths.has(from ?? '') || paths.has(to ?? ''));
}
