import type { Candidate } from '../candidates/candidate.js';
import { ChangedLines, type Evidence } from '../select/changed-lines.js';
import type { Scored } from '../select/choose.js';
import type { Round } from './round.js';
import type { VersionTexts } from './version-texts.js';

/** A candidate that explains so much of what is left comes in. */
const residualShare = 0.6;

/** Candidates of which most is in what is left. */
export function explaining(
  base: VersionTexts,
  target: VersionTexts,
  { replay, residuals }: Round,
  scored: readonly Scored[],
  chosen: ReadonlySet<Candidate>,
): Scored[] {
  const touched = new Set(replay.tree.lineages.flatMap(({ lastPath }) => lastPath ?? []));
  const left = new ChangedLines([
    ...residuals.map(({ lineage, edits }) => ({
      path: lineage.lastPath ?? '',
      before: edits.flatMap(({ removed }) => removed.map(({ text }) => text)),
      after: edits.flatMap(({ added }) => added.map(({ text }) => text)),
      areEdits: true,
    })),
    ...[...target.files.keys()]
      .filter((path) => !touched.has(path) && !base.files.has(path))
      .map((path) => ({ path, before: undefined, after: target.linesOf(path) })),
  ]);
  return scored.filter(({ candidate }) => {
    if (chosen.has(candidate) || !left.touches(candidate)) return false;
    const { share, hits }: Evidence = left.evidenceOf(candidate);
    return share >= residualShare && hits >= 2;
  });
}
