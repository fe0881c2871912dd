import type { Candidate, FilePatch } from '../candidates/candidate.js';
import type { Lineage } from '../weave/lineage.js';
import { AppliedBefore } from '../select/applied-before.js';
import { ChangedLines, type HasLine } from '../select/changed-lines.js';
import { type Choice, choose, type Scored } from '../select/choose.js';
import type { BaseCount } from '../select/hand-ons.js';
import { LineShifts } from '../select/line-shifts.js';
import { orderChoices } from '../select/order.js';
import { Surroundings } from '../select/surroundings.js';
import { Twins } from '../select/twins.js';
import type { StepItem } from '../changelog/changelog.js';
import { amend } from './amend.js';
import { explaining } from './explain-rest.js';
import { madeAnew, suspectedAnew } from './made-anew.js';
import { playRound, type Round } from './round.js';
import { demandsOn, isDoubtful, isUndone, rejectedLines } from './standing.js';
import { truerTwins } from './truer-twins.js';
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
}

export interface Reconstruction {
  readonly commits: readonly WovenCommit[];
  readonly lineages: readonly Lineage[];
  /** Every candidate that was looked at. */
  readonly considered: readonly Scored[];
  /** Those that were tried, of which too little turned out to be in the target. */
  readonly dropped: ReadonlySet<Candidate>;
  /** Files on which the budget of steps ended. */
  readonly notices: readonly string[];
}

const maxRounds = 3;

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
  const countInBase: BaseCount = (path, key) => base.keysOf(path).get(key) ?? 0;
  const shifts = new LineShifts((path) => base.linesOf(path));
  const before = new AppliedBefore((path) => base.linesOf(path));
  const scores = (): Scored[] =>
    scoreAll(lines, candidates).map((one) => (before.has(one) ? withoutEvidence(one) : one));
  const surroundings = new Surroundings((path, key) => base.keysOf(path).has(key) || target.keysOf(path).has(key));
  const chooseOf = (some: readonly Scored[]): Choice[] => choose(some, items, (one) => surroundings.shareOf(one));
  const chosen = chooseOf(scores());
  // Before hand-ons are known: a file that is often made anew hands on from each time to the next, and comes nowhere.
  const suspects = suspectedAnew(lines, candidates);
  lines.learnHandOns(
    chosen.map(({ candidate }) => candidate),
    baseHas,
    (path, key) => target.keysOf(path).has(key),
  );
  const scored = scores();
  const open = scored.filter((one) => !before.has(one));
  const inOrder = (some: readonly Choice[]): Choice[] =>
    orderChoices(some, countInBase, shifts, (steps) => budget.mayOrder(steps));
  let choices = inOrder(chooseOf(scored));
  const demands = demandsOn(shifts.areTold(choices.flatMap(({ candidate, listed }) => (listed ? candidate : []))));
  let anew: ReadonlySet<FilePatch> = new Set();
  const play = (): Round => playRound(base, target, choices, budget, anew);
  let round = play();
  anew = madeAnew(suspects, choices, round);
  if (anew.size > 0) round = play();
  const dropped = new Set<Candidate>();
  for (let count = 1; count < maxRounds; count++) {
    const kept = choices.filter((choice, label) => !isUndone(choice, round, label, demands));
    const more = explaining(base, target, round, open, new Set(choices.map(({ candidate }) => candidate)));
    if (kept.length === choices.length && more.length === 0) break;
    for (const { candidate } of choices) dropped.add(candidate);
    choices = inOrder([...kept, ...more]);
    for (const { candidate } of choices) dropped.delete(candidate);
    round = play();
  }
  for (let count = 0; count < maxRounds; count++) {
    const kept = choices.filter((choice, label) => choice.listed || !isDoubtful(round, label, demands));
    if (kept.length === choices.length) break;
    for (const { candidate } of choices) dropped.add(candidate);
    for (const { candidate } of kept) dropped.delete(candidate);
    choices = kept;
    round = play();
  }
  const tried = new Set([...dropped, ...choices.map(({ candidate }) => candidate)]);
  const truer = truerTwins(choices, round, new Twins(candidates), tried);
  if (truer !== choices) {
    for (const { candidate } of choices) dropped.add(candidate);
    for (const { candidate } of truer) dropped.delete(candidate);
    choices = [...truer];
    round = play();
  }
  const rejected = round.applied.flatMap((applied) => applied.rejected);
  amend(round.residuals, rejected, choices.length, budget);
  return {
    lineages: round.replay.tree.lineages,
    considered: scored,
    dropped,
    notices: budget.notices(),
    commits: choices.map((choice, label) => wovenCommit(choice, round, label)),
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

/** What the base has already is in no step, whatever likeness says. */
function withoutEvidence({ candidate, evidence: { total } }: Scored): Scored {
  return { candidate, evidence: { share: 0, hits: 0, total } };
}

function scoreAll(lines: ChangedLines, candidates: readonly Candidate[]): Scored[] {
  return candidates.map((candidate) => ({ candidate, evidence: lines.evidenceOf(candidate) }));
}

function wovenCommit(choice: Choice, { applied, undone }: Round, label: number): WovenCommit {
  const one = applied[label];
  const rejected = one?.rejected.length ?? 0;
  const lost = undone.get(label) ?? 0;
  const lines = one?.lines ?? 0;
  const all = Math.max(1, lines + rejectedLines(one));
  const share = Math.max(0, lines - lost) / all;
  const sure = lines === 0 && rejected === 0 ? choice.evidence.share : share;
  return {
    choice,
    confidence: Math.round(Math.min(1, Math.max(0.1, sure) * (choice.listed ? 1 : 0.95)) * 1000) / 1000,
  };
}
