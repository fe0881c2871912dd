import { isTelling, lineKey } from '../hunks/telling.js';
import { editLikeness, type WordEdit, wordEditOf } from '../hunks/word-edit.js';
import type { Choice } from '../select/choose.js';
import type { ResidualEdit } from '../weave/line-weave.js';
import type { Residual } from './amend.js';
import type { Applied } from './replay.js';
import type { Round } from './round.js';

/** An unlisted commit of which so much isn't in the target was never in the step. */
const undoneShare = 0.5;
const listedUndoneShare = 0.9;
const invisibleShare = 0.1;
/** Two edits that have so many of their words in common are one. */
const sameEdit = 0.5;

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
  { applied, undone, residuals }: Round,
  label: number,
  { tentativeLoss }: Demands,
): boolean {
  const one = applied[label];
  const lines = one?.lines ?? 0;
  const rejected = rejectedLines(one);
  // Nothing of it shows, and it doesn't fit: it was in the base before, or never came.
  if (evidence.share < invisibleShare && rejected > 0) return !(listed && isInOtherWords(one, residuals));
  if (lines === 0) return !listed && (one?.structural ?? 0) === 0 && rejected === 0;
  const lost = undone.get(label) ?? 0;
  if (tentative) return (lost + rejected) / (lines + rejected) > tentativeLoss;
  return lost / lines > (listed ? listedUndoneShare : undoneShare);
}

/** Whether a file yet lacks what a rejected change does to the words of a line, on lines that aren't the same. */
function isInOtherWords(applied: Applied | undefined, residuals: readonly Residual[]): boolean {
  return (applied?.rejected ?? []).some(({ lineage, removed, added }) => {
    const wanted = wordEditOf(removed, added);
    const edits = residuals.find((one) => one.lineage === lineage)?.edits ?? [];
    return wanted !== undefined && edits.some((edit) => isSameEdit(wanted, edit));
  });
}

function isSameEdit(wanted: WordEdit, { removed, added }: ResidualEdit): boolean {
  const edit = wordEditOf(removed.map(textOf), added.map(textOf));
  return edit !== undefined && editLikeness(wanted, edit) >= sameEdit;
}

const textOf = ({ text }: { readonly text: string }): string => text;

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
