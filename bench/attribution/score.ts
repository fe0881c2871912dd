// How much of a step is claimed, how much of that rightly, and whether beliefs come true as often as they say.
import { attribute, type Weights } from '#libs/patchsplit';
import type { Step } from './step.js';

interface Share {
  /** Of which it is known whose they are. */
  readonly known: number;
  readonly claimed: number;
  readonly right: number;
}

/** Claims that are believed about as much as each other. */
export interface Bucket {
  /** At least this. */
  readonly from: number;
  readonly hunks: number;
  readonly lines: number;
  /** The mean belief of a line, and the share of the lines that came true. */
  readonly believed: number;
  readonly right: number;
}

export interface Score {
  readonly step: string;
  readonly lines: Share;
  /** A hunk is rightly claimed if most of its lines are the subject's. */
  readonly hunks: Share;
  /** The commits of the truth, and those of which every line was found. */
  readonly commits: { readonly known: number; readonly whole: number };
  /** Ascending, without empty ones. */
  readonly buckets: readonly Bucket[];
}

/** Buckets from 0 to 1. */
const perUnit = 20;

/** Attributes a step from its changelog alone and compares with the truth. @param looks those of the program when absent */
export function scoreOf({ name, files, subjects, truth }: Step, looks?: readonly Weights[]): Score {
  const { claims } = attribute(files, subjects, looks);
  const lines = { known: 0, claimed: 0, right: 0 };
  const hunks = { known: 0, claimed: 0, right: 0 };
  const buckets = Array.from({ length: perUnit }, () => ({ hunks: 0, lines: 0, believed: 0, right: 0 }));
  const needed = new Map<string, number>();
  const found = new Map<string, number>();
  for (const [index, owners] of truth.entries()) {
    let known = 0;
    for (const [owner, count] of owners) {
      known += count;
      needed.set(owner, (needed.get(owner) ?? 0) + count);
    }
    if (known === 0) continue;
    lines.known += known;
    hunks.known += 1;
    const claim = claims[index];
    if (!claim) continue;
    const subject = subjects[claim.subject] ?? '';
    const right = owners.get(subject) ?? 0;
    found.set(subject, (found.get(subject) ?? 0) + right);
    lines.claimed += known;
    lines.right += right;
    hunks.claimed += 1;
    if (right * 2 > known) hunks.right += 1;
    const bucket = buckets[Math.min(perUnit - 1, Math.floor(claim.belief * perUnit))];
    if (!bucket) continue;
    bucket.hunks += 1;
    bucket.lines += known;
    bucket.believed += claim.belief * known;
    bucket.right += right;
  }
  const whole = [...needed].filter(([owner, count]) => found.get(owner) === count).length;
  return {
    step: name,
    lines,
    hunks,
    commits: { known: needed.size, whole },
    buckets: buckets.flatMap((bucket, at) => {
      if (bucket.lines === 0) return [];
      const share = (of: number): number => of / bucket.lines;
      return [{ ...bucket, from: at / perUnit, believed: share(bucket.believed), right: share(bucket.right) }];
    }),
  };
}
