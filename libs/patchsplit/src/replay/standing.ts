import { isTelling, lineKey } from '../hunks/telling.js';
import type { Choice } from '../select/choose.js';
import type { Applied } from './replay.js';
import type { Round } from './round.js';

/** An unlisted commit of which so much isn't in the target was never in the step. */
const undoneShare = 0.5;
const listedUndoneShare = 0.9;
const invisibleShare = 0.1;

/** What an unlisted commit must show after a replay. */
export interface Demands {
  /** The most that may be lost or rejected of one that is only tried. */
  readonly tentativeLoss: number;
  /** The least that must stand of any. */
  readonly standingShare: number;
}

/**
 * In the candidates' own history what is lost was overwritten by a commit out of order; on another branch it was the vendor's own, and
 * the candidate only looks alike.
 */
export function demandsOn(isOwnHistory: boolean): Demands {
  return isOwnHistory ? { tentativeLoss: 0.4, standingShare: 0.6 } : { tentativeLoss: 0.2, standingShare: 0.75 };
}

/** Whether a commit is to be left out of the next replay. */
export function isUndone(
  { listed, evidence, tentative }: Choice,
  { applied, undone }: Round,
  label: number,
  { tentativeLoss }: Demands,
): boolean {
  const one = applied[label];
  const lines = one?.lines ?? 0;
  const rejected = rejectedLines(one);
  // Nothing of it shows, and it doesn't fit: it was in the base before, or never came.
  if (evidence.share < invisibleShare && rejected > 0) return true;
  if (lines === 0) return !listed && (one?.structural ?? 0) === 0 && rejected === 0;
  const lost = undone.get(label) ?? 0;
  if (tentative) return (lost + rejected) / (lines + rejected) > tentativeLoss;
  return lost / lines > (listed ? listedUndoneShare : undoneShare);
}

/** What no changelog names must be there as it is: of what only looks alike, too much is the vendor's own. */
export function isDoubtful(round: Round, label: number, { standingShare }: Demands): boolean {
  const one = round.applied[label];
  const all = (one?.lines ?? 0) + rejectedLines(one);
  return all > 0 && standingLines(round, label) / all < standingShare;
}

/** Telling lines of a commit that the target has: what went in and stays, and what found no place but lacks where its file differs. */
function standingLines({ applied, undone, lacking }: Round, label: number): number {
  const one = applied[label];
  let lines = (one?.lines ?? 0) - (undone.get(label) ?? 0);
  for (const { lineage, removed, added } of one?.rejected ?? []) {
    const lacks = lineage && lacking.get(lineage);
    if (!lacks) continue;
    for (const line of removed) if (isTelling(line) && lacks.removed.has(lineKey(line))) lines += 1;
    for (const line of added) if (isTelling(line) && lacks.added.has(lineKey(line))) lines += 1;
  }
  return lines;
}

/** Telling lines of changes that found no place. */
export function rejectedLines(applied: Applied | undefined): number {
  return (applied?.rejected ?? []).reduce(
    (sum, { removed, added }) => sum + [...removed, ...added].filter(isTelling).length,
    0,
  );
}
