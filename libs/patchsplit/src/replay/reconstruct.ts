import type { Candidate } from '../candidates/candidate.js';
import { isTelling } from '../hunks/telling.js';
import type { Lineage } from '../weave/lineage.js';
import { ChangedLines, type Evidence, type HasLine } from '../select/changed-lines.js';
import { type Choice, choose, type Scored } from '../select/choose.js';
import { orderChoices } from '../select/order.js';
import type { StepItem } from '../changelog/changelog.js';
import { amend } from './amend.js';
import { playRound, type Round } from './round.js';
import { StepBudget } from './step-budget.js';
import { VersionTexts } from './version-texts.js';
import type { FileVersion } from './woven-tree.js';

/** What the two trees have at the paths that matter: those that differ, and those that candidates touch. */
export interface Versions {
  readonly base: ReadonlyMap<string, FileVersion>;
  readonly target: ReadonlyMap<string, FileVersion>;
}

/** One commit of the step as it was found. */
export interface WovenCommit {
  readonly choice: Choice;
  /** 0…1: the share of its lines that are in the step as the candidate has them. */
  readonly confidence: number;
  /** Some of its changes aren't in the step. */
  readonly partial: boolean;
  /** Some of its lines differ from the candidate's. */
  readonly reworked: boolean;
}

export interface Reconstruction {
  readonly commits: readonly WovenCommit[];
  readonly lineages: readonly Lineage[];
  /** Files on which the budget of steps ended. */
  readonly notices: readonly string[];
}

const maxRounds = 3;
/** An unlisted commit of which so much isn't in the target was never in the step. */
const undoneShare = 0.5;
const listedUndoneShare = 0.9;
const invisibleShare = 0.1;
const tentativeLoss = 0.2;
/** A candidate that explains so much of what is left comes in. */
const residualShare = 0.6;

/** Finds which candidates the step consists of, in which order, and whose each line is. */
export function reconstruct(
  versions: Versions,
  candidates: readonly Candidate[],
  items: readonly StepItem[],
  budget: StepBudget = new StepBudget(),
): Reconstruction {
  const base = new VersionTexts(versions.base);
  const target = new VersionTexts(versions.target);
  const lines = changedLines(base, target, candidates);
  const baseHas: HasLine = (path, key) => base.keysOf(path).has(key);
  const chosen = choose(scoreAll(lines, candidates), items);
  lines.learnHandOns(
    chosen.map(({ candidate }) => candidate),
    baseHas,
    (path, key) => target.keysOf(path).has(key),
  );
  const scored = scoreAll(lines, candidates);
  let choices = orderChoices(choose(scored, items), baseHas);
  let round = playRound(base, target, choices, budget);
  for (let count = 1; count < maxRounds; count++) {
    const kept = choices.filter((choice, label) => !isUndone(choice, round, label));
    const more = explaining(base, target, round, scored, new Set(choices.map(({ candidate }) => candidate)));
    if (kept.length === choices.length && more.length === 0) break;
    choices = orderChoices([...kept, ...more], baseHas);
    round = playRound(base, target, choices, budget);
  }
  const rejected = round.applied.flatMap((applied) => applied.rejected);
  const amended = amend(round.residuals, rejected, choices.length, budget);
  return {
    lineages: round.replay.tree.lineages,
    notices: budget.notices(),
    commits: choices.map((choice, label) => wovenCommit(choice, round, label, amended.get(label) ?? 0)),
  };
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

function scoreAll(lines: ChangedLines, candidates: readonly Candidate[]): Scored[] {
  return candidates.map((candidate) => ({ candidate, evidence: lines.evidenceOf(candidate) }));
}

function isUndone({ listed, evidence, tentative }: Choice, { applied, undone }: Round, label: number): boolean {
  const one = applied[label];
  const lines = one?.lines ?? 0;
  const rejected = (one?.rejected ?? []).reduce(
    (sum, { removed, added }) => sum + [...removed, ...added].filter(isTelling).length,
    0,
  );
  // Nothing of it shows, and it doesn't fit: it was in the base before, or never came.
  if (evidence.share < invisibleShare && rejected > 0) return true;
  if (lines === 0) return !listed && (one?.structural ?? 0) === 0 && rejected === 0;
  const lost = undone.get(label) ?? 0;
  if (tentative) return (lost + rejected) / (lines + rejected) > tentativeLoss;
  return lost / lines > (listed ? listedUndoneShare : undoneShare);
}

/** Candidates of which most is in what is left. */
function explaining(
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

function wovenCommit(choice: Choice, { applied, undone }: Round, label: number, amended: number): WovenCommit {
  const one = applied[label];
  const rejected = one?.rejected.length ?? 0;
  const lost = undone.get(label) ?? 0;
  const lines = one?.lines ?? 0;
  const all = Math.max(
    1,
    lines + (one?.rejected ?? []).flatMap((each) => [...each.removed, ...each.added]).filter(isTelling).length,
  );
  const share = Math.max(0, lines - lost) / all;
  const sure = lines === 0 && rejected === 0 ? choice.evidence.share : share;
  return {
    choice,
    confidence: Math.round(Math.min(1, Math.max(0.1, sure) * (choice.listed ? 1 : 0.95)) * 1000) / 1000,
    partial: rejected > 0 || lost > 0,
    reworked: amended > 0,
  };
}
