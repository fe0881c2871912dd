import type { Candidate } from '../candidates/candidate.js';
import type { StepItem } from '../changelog/changelog.js';
import { isTelling, lineKey } from '../hunks/telling.js';
import type { HasLine } from '../select/changed-lines.js';
import { isCertain, type Scored } from '../select/choose.js';
import { subjectKey } from '../select/subject-key.js';
import type { CandidateFindings } from './findings.js';
import { unusedReasons, type UnfoundReason, type UnusedCandidate, type UnusedReason } from './schema.js';

/** A source has a commit if it has so much of what that adds, and so little of what it removes. */
const hasIt = 0.9;
/** An unused candidate of which the step has so much is named in the report. */
const namedShare = 0.2;
const maxNamed = 20_000;

export interface Considered {
  readonly candidates: readonly Scored[];
  /** Those that are commits of the series. */
  readonly used: ReadonlySet<Candidate>;
  /** Those that were tried, and came to nothing. */
  readonly dropped: ReadonlySet<Candidate>;
  readonly items: readonly StepItem[];
  /** Whether the older source's version of a path has a line. */
  readonly baseHas: HasLine;
}

/** Says of every candidate that was looked at whether it is used, and if not, why. */
export function findingsOf(considered: Considered): CandidateFindings {
  const listed = new Set(considered.items.map(({ subject }) => subjectKey(subject)));
  const unused = Object.fromEntries(unusedReasons.map((why) => [why, 0])) as Record<UnusedReason, number>;
  const named: UnusedCandidate[] = [];
  for (const one of considered.candidates) {
    const { candidate, evidence } = one;
    if (considered.used.has(candidate)) continue;
    const why = whyUnused(one, considered);
    unused[why] += 1;
    if (named.length >= maxNamed || (evidence.share < namedShare && !listed.has(subjectKey(candidate.subject))))
      continue;
    const { id, subject } = candidate;
    named.push({ ...(id === undefined ? {} : { id }), subject, why, share: rounded(evidence.share) });
  }
  return {
    looked: considered.candidates.length,
    used: considered.used.size,
    unused,
    named: named.sort((a, b) => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0)),
  };
}

function whyUnused({ candidate, evidence }: Scored, { dropped, baseHas }: Considered): UnusedReason {
  if (presenceOf(candidate, baseHas) >= hasIt) return 'already-in-a';
  if (dropped.has(candidate)) return 'overwritten';
  return isCertain(evidence) ? 'twin' : 'not-in-step';
}

/** Why an entry has no commit, as far as the candidates of its subject tell; undefined where there is none. */
export function whyUnfound(
  item: StepItem,
  considered: Considered,
): { readonly why: UnfoundReason; readonly detail: string } | undefined {
  const key = subjectKey(item.subject);
  const own = considered.candidates.filter(({ candidate }) => subjectKey(candidate.subject) === key);
  const [first] = own;
  if (!first) return undefined;
  if (own.some(({ candidate }) => considered.used.has(candidate))) {
    return { why: 'ambiguous', detail: 'the upstream commit of this subject is in the series for another entry' };
  }
  if (own.length > 1) return { why: 'ambiguous', detail: `${own.length} upstream commits have this subject` };
  switch (whyUnused(first, considered)) {
    case 'already-in-a':
      return { why: 'already-in-a', detail: 'the older source has what the upstream commit does' };
    case 'twin':
      return { why: 'ambiguous', detail: 'another commit of the series is the same change' };
    case 'overwritten':
      if (fits(first.candidate, considered.baseHas)) {
        return { why: 'overwritten', detail: 'the newer source has nothing of the upstream commit any more' };
      }
      break;
    case 'not-in-step':
  }
  return { why: 'not-found', detail: 'what the upstream commit changes is in neither source' };
}

/** How much of a commit a source has: the share of its lines that are there as they are after it, 0…1. */
function presenceOf({ files }: Candidate, has: HasLine): number {
  let there = 0;
  let count = 0;
  for (const { from, to, hunks } of files) {
    for (const { signs, lines } of hunks) {
      for (const [at, line] of lines.entries()) {
        if (signs[at] === ' ' || !isTelling(line)) continue;
        const added = signs[at] === '+';
        count += 1;
        if (has((added ? (to ?? from) : (from ?? to)) ?? '', lineKey(line)) === added) there += 1;
      }
    }
  }
  return count === 0 ? 0 : there / count;
}

/** Whether a commit would find in a source what it removes. */
function fits({ files }: Candidate, has: HasLine): boolean {
  let found = 0;
  let count = 0;
  for (const { from, hunks } of files) {
    for (const { signs, lines } of hunks) {
      for (const [at, line] of lines.entries()) {
        if (signs[at] === '+' || from === undefined || !isTelling(line)) continue;
        count += 1;
        if (has(from, lineKey(line))) found += 1;
      }
    }
  }
  return count === 0 || found * 2 > count;
}

const rounded = (share: number): number => Math.round(share * 1000) / 1000;
