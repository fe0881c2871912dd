import type { Candidate } from '../candidates/candidate.js';
import { subjectKey } from './subject-key.js';

/** Commits that a message says it takes back: `git revert` writes so. */
export function revertedIn({ body }: Candidate): string[] {
  return [...body.matchAll(/\bThis reverts commit ([0-9a-f]{12,40})\b/g)].flatMap(([, id]) => id ?? []);
}

/** Which candidates others take back. What was taken back and landed again is there twice, under one subject. */
export class Reverts {
  private readonly byId = new Map<string, Candidate>();

  /** @param reverting candidates that the step has beyond doubt. */
  constructor(reverting: readonly Candidate[]) {
    for (const candidate of reverting) {
      for (const id of revertedIn(candidate)) this.byId.set(id.slice(0, 12), candidate);
    }
  }

  /** The candidate that takes this one back. */
  of({ id }: Candidate): Candidate | undefined {
    return id === undefined ? undefined : this.byId.get(id.slice(0, 12));
  }
}

/** Pairs of places in the list: the first one's commit stands before the second's, for it is taken back by it, or lands again after it. */
export function revertOrder(candidates: readonly Candidate[]): (readonly [number, number])[] {
  const reverts = new Reverts(candidates);
  const places = new Map(candidates.map((candidate, at) => [candidate, at]));
  const bySubject = new Map<string, number[]>();
  for (const [at, { subject }] of candidates.entries()) {
    const key = subjectKey(subject);
    bySubject.set(key, [...(bySubject.get(key) ?? []), at]);
  }
  return candidates.flatMap((candidate, at) => {
    const reverting = places.get(reverts.of(candidate) ?? candidate);
    if (reverting === undefined || reverting === at) return [];
    const again = (bySubject.get(subjectKey(candidate.subject)) ?? []).filter(
      (other) => other !== at && !reverts.of(candidates[other] ?? candidate),
    );
    return [[at, reverting] as const, ...again.map((other) => [reverting, other] as const)];
  });
}
