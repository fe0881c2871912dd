import type { Candidate, FilePatch } from '../candidates/candidate.js';
import { isTelling } from '../hunks/telling.js';
import type { ChangedLines } from '../select/changed-lines.js';
import type { Choice } from '../select/choose.js';
import type { Round } from './round.js';

/** Changes of one file that are too many to have been reworked by hand, and the share of them that must be in the step. */
const manyLines = 200;
const leastShare = 0.3;
/** The share of them that a replay finds no place for, or makes in vain. */
const lostShare = 0.25;

/**
 * Large changes of which the step has little: a program made the file (a catalogue of messages, a table), and the vendor ran it anew.
 * They are suspects only, for what a later commit of the step wrote over shows as little.
 */
export function suspectedAnew(lines: ChangedLines, candidates: readonly Candidate[]): Map<FilePatch, number> {
  const suspects = new Map<FilePatch, number>();
  for (const patch of candidates.flatMap(({ files }) => files)) {
    if (patch.to === undefined) continue;
    const { hits, total } = lines.linesFound(patch, 'no moves');
    if (total >= manyLines && hits < total * leastShare) suspects.set(patch, total);
  }
  return suspects;
}

/**
 * Those of the suspects that a replay bears out: their lines find no place, or the target hasn't them. They are not replayed again:
 * whatever is like them, or stands near, would go to a commit that made other lines.
 */
export function madeAnew(
  suspects: ReadonlyMap<FilePatch, number>,
  choices: readonly Choice[],
  round: Round,
): Set<FilePatch> {
  const anew = new Set<FilePatch>();
  if (suspects.size === 0) return anew;
  const lost = lostLines(round);
  for (const [label, { candidate }] of choices.entries()) {
    for (const patch of candidate.files) {
      const total = suspects.get(patch);
      if (total !== undefined && (lost.get(`${label} ${patch.to}`) ?? 0) > total * lostShare) anew.add(patch);
    }
  }
  return anew;
}

/** For each commit and path: telling lines that were rejected, or that the target doesn't have. */
function lostLines({ applied, residuals }: Round): Map<string, number> {
  const lost = new Map<string, number>();
  const lose = (label: number, path: string | undefined, lines: readonly string[]): void => {
    const key = `${label} ${path}`;
    lost.set(key, (lost.get(key) ?? 0) + lines.filter(isTelling).length);
  };
  for (const { rejected } of applied) {
    for (const { label, lineage, removed, added } of rejected) lose(label, lineage?.lastPath, [...removed, ...added]);
  }
  for (const { lineage, edits } of residuals) {
    for (const { removed } of edits) {
      for (const { text, birth } of removed) if (birth >= 0) lose(birth, lineage.lastPath, [text]);
    }
  }
  return lost;
}
