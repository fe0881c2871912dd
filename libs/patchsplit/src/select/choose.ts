import type { Candidate } from '../candidates/candidate.js';
import type { StepItem } from '../changelog/changelog.js';
import type { Evidence } from './changed-lines.js';

/** A candidate that is taken for one of the step's commits. */
export interface Choice {
  readonly candidate: Candidate;
  readonly evidence: Evidence;
  /** The changelog's item that names it, and its place there; absent where the changelog doesn't. */
  readonly listed?: { readonly item: StepItem; readonly rank: number };
}

export interface Scored {
  readonly candidate: Candidate;
  readonly evidence: Evidence;
}

/** Evidence that takes an unlisted candidate in: few lines must all be there, of several most. */
const unlisted = { share: 0.6, hits: 2, certainShare: 0.85 };
/** A listed one is believed with less: the changelog says that it is there, and later commits may have overwritten it. */
const listedShare = 0.1;

/** Chooses which candidates the step consists of, by the changelog and by what is in the step. */
export function choose(scored: readonly Scored[], items: readonly StepItem[]): Choice[] {
  const ranksOf = ranksBySubject(items);
  const bySubject = groupBySubject(scored, ranksOf);
  const choices: Choice[] = [];
  const taken = new Set<Candidate>();
  for (const [subject, group] of bySubject) {
    const ranks = ranksOf.get(subject) ?? [];
    const best = group
      .toSorted(byEvidence)
      .slice(0, ranks.length)
      .filter(isBelieved(group.length > ranks.length));
    for (const [at, one] of best.toSorted(byDate).entries()) {
      const rank = ranks[at] ?? 0;
      const item = items[rank];
      if (!item) continue;
      choices.push({ ...one, listed: { item, rank } });
      taken.add(one.candidate);
    }
  }
  for (const one of scored) if (!taken.has(one.candidate) && isCertain(one.evidence)) choices.push(one);
  return choices;
}

function isCertain({ share, hits }: Evidence): boolean {
  return (share >= unlisted.share && hits >= unlisted.hits) || share >= unlisted.certainShare;
}

/** Where several candidates bear the same subject, the words alone don't tell which one is meant. */
function isBelieved(ambiguous: boolean): (one: Scored) => boolean {
  return ({ evidence: { share, total } }) => total === 0 || share >= (ambiguous ? 2 * listedShare : listedShare);
}

const byEvidence = (a: Scored, b: Scored): number => b.evidence.share - a.evidence.share || byDate(a, b);
const byDate = (a: Scored, b: Scored): number =>
  a.candidate.author.at.getTime() - b.candidate.author.at.getTime() ||
  ((a.candidate.id ?? '') < (b.candidate.id ?? '') ? -1 : 1);

/** A subject for comparing: without blanks, case, a number of a pull request, or a final full stop. */
export function subjectKey(subject: string): string {
  return subject
    .replace(/ \(#\d+\)$/, '')
    .replace(/[\s.]+$/, '')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase();
}

function ranksBySubject(items: readonly StepItem[]): Map<string, number[]> {
  const ranks = new Map<string, number[]>();
  for (const [rank, { subject }] of items.entries()) {
    const key = subjectKey(subject);
    const known = ranks.get(key);
    if (known) known.push(rank);
    else ranks.set(key, [rank]);
  }
  return ranks;
}

/** RPM writes `[net] fix it` for `net: fix it`, and an item has lost its tag: so the subject without its prefix is looked up too. */
function groupBySubject(
  scored: readonly Scored[],
  ranks: ReadonlyMap<string, readonly number[]>,
): Map<string, Scored[]> {
  const groups = new Map<string, Scored[]>();
  for (const one of scored) {
    const { subject } = one.candidate;
    const key = [subject, subject.replace(/^[\w./-]{2,20}: /, '')].map(subjectKey).find((name) => ranks.has(name));
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return groups;
}
