import type { Candidate } from '../candidates/candidate.js';
import { isTelling, lineKey } from '../hunks/telling.js';
import { type Lineage, weaveLines } from '../weave/lineage.js';
import { ChangedLines, type Evidence, type HasLine } from '../select/changed-lines.js';
import { type Choice, choose, type Scored } from '../select/choose.js';
import { orderChoices } from '../select/order.js';
import type { StepItem } from '../changelog/changelog.js';
import { amend, type Residual } from './amend.js';
import { type Applied, Replay } from './replay.js';
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
}

const maxRounds = 3;
/** An unlisted commit of which so much isn't in the target was never in the step. */
const undoneShare = 0.5;
const listedUndoneShare = 0.9;
const invisibleShare = 0.1;
const tentativeLoss = 0.2;
/** A candidate that explains so much of what is left comes in. */
const residualShare = 0.6;

interface Round {
  readonly replay: Replay;
  readonly applied: readonly Applied[];
  readonly residuals: readonly Residual[];
  readonly undone: ReadonlyMap<number, number>;
}

/** Finds which candidates the step consists of, in which order, and whose each line is. */
export function reconstruct(
  versions: Versions,
  candidates: readonly Candidate[],
  items: readonly StepItem[],
): Reconstruction {
  const lines = changedLines(versions, candidates);
  const baseHas = lineIndex(versions.base);
  const chosen = choose(scoreAll(lines, candidates), items);
  lines.learnHandOns(
    chosen.map(({ candidate }) => candidate),
    baseHas,
    lineIndex(versions.target),
  );
  const scored = scoreAll(lines, candidates);
  let choices = orderChoices(choose(scored, items), baseHas);
  let round = replayAll(versions, choices);
  for (let count = 1; count < maxRounds; count++) {
    const kept = choices.filter((choice, label) => !isUndone(choice, round, label));
    const more = explaining(versions, round, scored, new Set(choices.map(({ candidate }) => candidate)));
    if (kept.length === choices.length && more.length === 0) break;
    choices = orderChoices([...kept, ...more], baseHas);
    round = replayAll(versions, choices);
  }
  const rejected = round.applied.flatMap((applied) => applied.rejected);
  const amended = amend(round.residuals, rejected, choices.length);
  return {
    lineages: round.replay.tree.lineages,
    commits: choices.map((choice, label) => wovenCommit(choice, round, label, amended.get(label) ?? 0)),
  };
}

function changedLines({ base, target }: Versions, candidates: readonly Candidate[]): ChangedLines {
  const lines = new ChangedLines(
    [...new Set([...base.keys(), ...target.keys()])].flatMap((path) => {
      const [before, after] = [base.get(path), target.get(path)];
      if (before && after && before.mode === after.mode && before.content.equals(after.content)) return [];
      return [{ path, before: before && weaveLines(before.content), after: after && weaveLines(after.content) }];
    }),
  );
  for (const candidate of candidates) lines.learnNames(candidate);
  return lines;
}

function scoreAll(lines: ChangedLines, candidates: readonly Candidate[]): Scored[] {
  return candidates.map((candidate) => ({ candidate, evidence: lines.evidenceOf(candidate) }));
}

function lineIndex(versions: ReadonlyMap<string, FileVersion>): HasLine {
  const known = new Map<string, Set<string>>();
  return (path, key) => keysAt(versions, known, path).has(key);
}

function keysAt(
  versions: ReadonlyMap<string, FileVersion>,
  known: Map<string, Set<string>>,
  path: string,
): ReadonlySet<string> {
  let keys = known.get(path);
  if (!keys) {
    keys = new Set(weaveLines(versions.get(path)?.content ?? Buffer.alloc(0)).map(lineKey));
    known.set(path, keys);
  }
  return keys;
}

function replayAll({ base, target }: Versions, choices: readonly Choice[]): Round {
  const known = new Map<string, Set<string>>();
  const replay = new Replay(
    base,
    (path) => keysAt(target, known, path),
    (path) => target.has(path),
  );
  const applied = choices.map(({ candidate }, label) => replay.apply(candidate, label));
  const undone = new Map<number, number>();
  // Those that no candidate touched are left to be closed too.
  for (const path of base.keys()) replay.tree.at(path);
  const residuals = closeAll(replay, target, choices.length, undone);
  return { replay, applied, residuals, undone };
}

/** Makes every file the target's; what the target lacks of a commit, or has in spite of it, is counted as undone. */
function closeAll(
  replay: Replay,
  target: ReadonlyMap<string, FileVersion>,
  label: number,
  undone: Map<number, number>,
): Residual[] {
  const residuals: Residual[] = [];
  for (const path of target.keys()) if (!replay.tree.at(path)) replay.tree.revive(path);
  for (const lineage of replay.tree.lineages) {
    const path = lineage.place?.path;
    if (path === undefined) continue;
    const fresh = target.get(path);
    const deaths = new Map([...lineage.weave].map((line) => [line, line.death]));
    const edits = lineage.weave.close(fresh ? weaveLines(fresh.content) : [], label);
    for (const [line, death] of deaths) {
      const back = line.death > death && death < label;
      const gone = line.death === label && line.birth >= 0;
      if (!isTelling(line.text) || (!back && !gone)) continue;
      const owner = back ? death : line.birth;
      undone.set(owner, (undone.get(owner) ?? 0) + 1);
    }
    if (!fresh) replay.tree.move(lineage, label, undefined);
    else if (fresh.mode !== lineage.place?.mode) replay.tree.move(lineage, label, { path, mode: fresh.mode });
    if (edits.length > 0) residuals.push({ lineage, edits });
  }
  return residuals;
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
  versions: Versions,
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
    ...[...versions.target]
      .filter(([path]) => !touched.has(path) && !versions.base.has(path))
      .map(([path, { content }]) => ({ path, before: undefined, after: weaveLines(content) })),
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
