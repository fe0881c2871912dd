import type { Candidate } from '../candidates/candidate.js';
import type { StepItem } from '../changelog/changelog.js';
import { isTelling, lineKey } from '../hunks/telling.js';
import type { Evidence } from './changed-lines.js';
import { Reverts } from './reverts.js';
import { subjectKey, subjectKeys } from './subject-key.js';

/** A candidate that is taken for one of the step's commits. */
export interface Choice {
  readonly candidate: Candidate;
  readonly evidence: Evidence;
  /** The changelog's item that names it, and its place there (unless the same words stand there twice). */
  readonly listed?: { readonly item: StepItem; readonly rank?: number };
  /** Stays only if it fits as it is. */
  readonly tentative?: boolean;
}

export interface Scored {
  readonly candidate: Candidate;
  readonly evidence: Evidence;
}

/** Evidence with which an unlisted candidate is tried. */
const trial = { share: 0.35, hits: 5 };
/** Two candidates with so much in common are the same change. */
const twins = { share: 0.8, lines: 5 };
/** Evidence that takes an unlisted candidate in: few lines must all be there, of several most. */
const unlisted = { share: 0.6, hits: 2, certainShare: 0.85 };
/** One of several of the same subject that wasn't written when the others were. */
const ambiguousShare = 0.2;

/**
 * Chooses which candidates the step consists of, by the changelog and by what is in the step.
 * @param around how well one fits by what it leaves unchanged; asked where the evidence is the same.
 */
export function choose(
  scored: readonly Scored[],
  items: readonly StepItem[],
  around: (candidate: Candidate) => number = () => 1,
): Choice[] {
  const ranksOf = ranksBySubject(items);
  const groups = [...groupBySubject(scored, ranksOf)].map(([subject, group]) => ({
    group,
    ranks: ranksOf.get(subject) ?? [],
  }));
  const named = groups.filter(({ group, ranks }) => group.length === 1 && ranks.length === 1);
  const span = spanOf(named.flatMap(({ group }) => group));
  const reverts = new Reverts(groups.flatMap(({ group }) => group.map(({ candidate }) => candidate)));
  const choices: Choice[] = [];
  const taken = new Set<Candidate>();
  const take = (one: Scored, rank: number | undefined, item: StepItem | undefined): void => {
    if (!item) return;
    taken.add(one.candidate);
    choices.push({ ...one, listed: { item, ...(rank === undefined ? {} : { rank }) } });
  };
  for (const { group, ranks } of groups) {
    const [first] = group;
    const [rank = 0] = ranks;
    if (group.length === 1 && ranks.length === 1 && first) take(first, rank, items[rank]);
    else {
      // Of several with one subject the words don't tell which is which, nor, if several are taken, where each stands. One that was taken back was there too.
      const back = group.filter(({ candidate }) => reverts.of(candidate)).length;
      const count = Math.max(ranks.length, Math.min(group.length, back + 1));
      const best = group.toSorted(bySpan(span, around)).slice(0, count);
      const place = ranks.length === 1 && count === 1 ? rank : undefined;
      for (const [at, one] of best.toSorted(byDate).entries()) {
        if (isIn(span, one) || one.evidence.share >= ambiguousShare)
          take(one, place, items[ranks[at] ?? ranks[0] ?? 0]);
      }
    }
  }
  const open = scored.filter((one) => !taken.has(one.candidate));
  const others = [
    ...open.filter(({ evidence }) => isCertain(evidence)),
    ...open.filter((one) => isWorthATry(one, span)).map((one) => ({ ...one, tentative: true })),
  ];
  return withoutTwins(choices, others.toSorted(bySpan(span, around)));
}

/** Much of it is there, and the rest may have been overwritten: the replay will tell. */
function isWorthATry({ candidate, evidence }: Scored, span: readonly [number, number]): boolean {
  const { share, hits } = evidence;
  return !isCertain(evidence) && share >= trial.share && hits >= trial.hits && isIn(span, { candidate, evidence });
}

/** The same change may be there twice (landed, reverted, landed again): what nearly repeats one that is taken stays out. */
function withoutTwins(choices: readonly Choice[], others: readonly Choice[]): Choice[] {
  const kept = [...choices];
  const holders = new Map<string, number[]>();
  const hold = (at: number, lines: ReadonlySet<string>): void => {
    for (const line of lines) {
      const known = holders.get(line);
      if (known) known.push(at);
      else holders.set(line, [at]);
    }
  };
  const sizes = kept.map((choice, at) => {
    const lines = newLines(choice.candidate);
    hold(at, lines);
    return lines.size;
  });
  const made = new Set(kept.map(({ candidate }) => changeOf(candidate)));
  for (const choice of others) {
    const change = changeOf(choice.candidate);
    if (made.has(change)) continue;
    const lines = newLines(choice.candidate);
    const common = new Map<number, number>();
    for (const line of lines) for (const at of holders.get(line) ?? []) common.set(at, (common.get(at) ?? 0) + 1);
    const twin = [...common].some(
      ([at, count]) => count >= twins.lines && count >= twins.share * Math.max(lines.size, sizes[at] ?? 0),
    );
    if (twin) continue;
    hold(kept.length, lines);
    made.add(change);
    kept.push(choice);
    sizes.push(lines.size);
  }
  return kept;
}

/** What a candidate is, wherever it was picked to: its subject, and its lines without what is around them. However few they are, it is made once. */
function changeOf({ subject, files }: Candidate): string {
  const lines = files.flatMap(({ from = '', to = '', hunks }) => [
    `${from}\0${to}\n`,
    ...hunks.flatMap(({ signs, lines: all }) =>
      all.flatMap((line, at) => (signs[at] === ' ' ? [] : `${signs[at]}${line}`)),
    ),
  ]);
  return `${subjectKey(subject)}\n${lines.join('')}`;
}

/** Lines that a candidate makes and doesn't only move, with their paths. */
function newLines({ files }: Candidate): ReadonlySet<string> {
  const added = new Set<string>();
  const removed = new Set<string>();
  for (const { to = '', hunks } of files) {
    for (const { signs, lines } of hunks) {
      for (const [at, line] of lines.entries()) {
        if (signs[at] === ' ' || !isTelling(line)) continue;
        (signs[at] === '+' ? added : removed).add(`${to}\0${lineKey(line)}`);
      }
    }
  }
  for (const line of removed) added.delete(line);
  return added;
}

/** When the commits that are named beyond doubt were written, without the odd ones at either end. */
function spanOf(named: readonly Scored[]): readonly [number, number] {
  const times = named.map(({ candidate }) => candidate.author.at.getTime()).sort((a, b) => a - b);
  const odd = Math.floor(times.length * 0.02);
  return [times[odd] ?? Number.NEGATIVE_INFINITY, times[times.length - 1 - odd] ?? Number.POSITIVE_INFINITY];
}

function isIn([first, last]: readonly [number, number], { candidate }: Scored): boolean {
  const time = candidate.author.at.getTime();
  return first <= time && time <= last;
}

function bySpan(
  span: readonly [number, number],
  around: (candidate: Candidate) => number,
): (a: Scored, b: Scored) => number {
  return (a, b) =>
    Number(isIn(span, b)) - Number(isIn(span, a)) ||
    b.evidence.share - a.evidence.share ||
    around(b.candidate) - around(a.candidate) ||
    byDate(a, b);
}

/** Whether a candidate is in the step even if no changelog says so. */
export function isCertain({ share, hits }: Evidence): boolean {
  return (share >= unlisted.share && hits >= unlisted.hits) || share >= unlisted.certainShare;
}

const byDate = (a: Scored, b: Scored): number =>
  a.candidate.author.at.getTime() - b.candidate.author.at.getTime() ||
  ((a.candidate.id ?? '') < (b.candidate.id ?? '') ? -1 : 1);

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

function groupBySubject(
  scored: readonly Scored[],
  ranks: ReadonlyMap<string, readonly number[]>,
): Map<string, Scored[]> {
  const groups = new Map<string, Scored[]>();
  for (const one of scored) {
    const key = subjectKeys(one.candidate.subject).find((name) => ranks.has(name));
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return groups;
}
