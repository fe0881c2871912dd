import type { Candidate, FilePatch } from '../candidates/candidate.js';
import type { StepItem } from '../changelog/changelog.js';
import { AppliedBefore } from '../select/applied-before.js';
import { ChangedLines } from '../select/changed-lines.js';
import { type Choice, choose, type Scored } from '../select/choose.js';
import { Surroundings } from '../select/surroundings.js';
import { suspectedAnew } from './made-anew.js';
import type { VersionTexts } from './version-texts.js';

/** What speaks for the candidates, by the two trees and the changelog, before anything is replayed. */
export interface Weighed {
  /** All of them. */
  readonly scored: readonly Scored[];
  /** Those that the base hasn't already. */
  readonly open: readonly Scored[];
  /** Those that are worth a trial, in no order yet. */
  readonly choices: readonly Choice[];
  /** Changes that may be of files that the vendor made anew, with their telling lines. */
  readonly suspects: ReadonlyMap<FilePatch, number>;
}

/** Weighs twice: what the chosen hand on to each other speaks for those that hand it on, and shows only once some are chosen. */
export function weigh(
  base: VersionTexts,
  target: VersionTexts,
  candidates: readonly Candidate[],
  items: readonly StepItem[],
): Weighed {
  const lines = changedLines(base, target, candidates);
  const before = new AppliedBefore((path) => base.linesOf(path));
  const scores = (): Scored[] =>
    candidates
      .map((candidate) => ({ candidate, evidence: lines.evidenceOf(candidate) }))
      .map((one) => (before.has(one) ? withoutEvidence(one) : one));
  const surroundings = new Surroundings((path, key) => base.keysOf(path).has(key) || target.keysOf(path).has(key));
  const chooseOf = (some: readonly Scored[]): Choice[] => choose(some, items, (one) => surroundings.shareOf(one));
  const first = chooseOf(scores());
  // Before hand-ons are known: a file that is often made anew hands on from each time to the next, and comes nowhere.
  const suspects = suspectedAnew(lines, candidates);
  lines.learnHandOns(
    first.map(({ candidate }) => candidate),
    (path, key) => base.keysOf(path).has(key),
    (path, key) => target.keysOf(path).has(key),
  );
  const scored = scores();
  return { scored, open: scored.filter((one) => !before.has(one)), choices: chooseOf(scored), suspects };
}

function changedLines(base: VersionTexts, target: VersionTexts, candidates: readonly Candidate[]): ChangedLines {
  const lines = new ChangedLines(
    [...new Set([...base.files.keys(), ...target.files.keys()])].flatMap((path) => {
      const [before, after] = [base.files.get(path), target.files.get(path)];
      if (before && after && before.mode === after.mode && before.content.equals(after.content)) return [];
      return [{ path, before: base.linesOf(path), after: target.linesOf(path) }];
    }),
  );
  for (const candidate of candidates) lines.learnNames(candidate);
  return lines;
}

/** What the base has already is in no step, whatever likeness says. */
function withoutEvidence({ candidate, evidence: { total } }: Scored): Scored {
  return { candidate, evidence: { share: 0, hits: 0, total } };
}
