import type { Candidate } from '../candidates/candidate.js';
import type { StepItem } from '../changelog/changelog.js';
import type { Choice, Scored } from '../select/choose.js';
import type { BaseCount } from '../select/hand-ons.js';
import { LineShifts } from '../select/line-shifts.js';
import { orderChoices } from '../select/order.js';
import { otherNames } from '../select/other-names.js';
import { Twins } from '../select/twins.js';
import type { Lineage } from '../weave/lineage.js';
import { amend } from './amend.js';
import { explaining } from './explain-rest.js';
import { madeAnew } from './made-anew.js';
import type { Round } from './round.js';
import { type Demands, demandsOn, isDoubtful, isUndone, rejectedLines } from './standing.js';
import { StepBudget } from './step-budget.js';
import { Trial } from './trial.js';
import { truerTwins } from './truer-twins.js';
import { VersionTexts } from './version-texts.js';
import { weigh } from './weigh.js';
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
  const { scored, open, choices, suspects } = weigh(base, target, candidates, items);
  const shifts = new LineShifts((path) => base.linesOf(path));
  const countInBase: BaseCount = (path, key) => base.keysOf(path).get(key) ?? 0;
  const inOrder: InOrder = (some) => orderChoices(some, countInBase, shifts, (steps) => budget.mayOrder(steps));

  const names = otherNames(
    candidates.flatMap(({ files }) => files),
    (path) => base.files.has(path) || target.files.has(path),
  );
  const trial = new Trial(base, target, budget, inOrder(choices), names);
  const demands = demandsOn(
    shifts.areTold(trial.choices.flatMap(({ candidate, listed }) => (listed ? candidate : []))),
  );
  trial.leaveOut(madeAnew(suspects, trial.choices, trial.round));
  exchangeUndone(trial, demands, open, inOrder);
  leaveOutDoubtful(trial, demands);
  exchangeTwins(trial, candidates);

  const { round, dropped } = trial;
  const rejected = round.applied.flatMap((applied) => applied.rejected);
  amend(round.residuals, rejected, trial.choices.length, budget);
  return {
    lineages: round.replay.tree.lineages,
    considered: scored,
    dropped,
    notices: budget.notices(),
    commits: trial.choices.map((choice, label) => wovenCommit(choice, round, label)),
  };
}

type InOrder = (choices: readonly Choice[]) => Choice[];

/** Goes on without what the target hasn't, and with what explains lines that are left. */
function exchangeUndone(trial: Trial, demands: Demands, open: readonly Scored[], inOrder: InOrder): void {
  for (let count = 1; count < maxRounds; count++) {
    const { base, target, choices, round } = trial;
    const kept = choices.filter((choice, label) => !isUndone(choice, round, label, demands));
    const more = explaining(base, target, round, open, new Set(choices.map(({ candidate }) => candidate)));
    if (kept.length === choices.length && more.length === 0) return;
    trial.goOnWith(inOrder([...kept, ...more]));
  }
}

/** Goes on without what the changelog doesn't name and of which too little stands. */
function leaveOutDoubtful(trial: Trial, demands: Demands): void {
  for (let count = 0; count < maxRounds; count++) {
    const { choices, round } = trial;
    const kept = choices.filter((choice, label) => choice.listed || !isDoubtful(round, label, demands));
    if (kept.length === choices.length) return;
    trial.goOnWith(kept);
  }
}

function exchangeTwins(trial: Trial, candidates: readonly Candidate[]): void {
  const { choices, round, dropped } = trial;
  const tried = new Set([...dropped, ...choices.map(({ candidate }) => candidate)]);
  const truer = truerTwins(choices, round, new Twins(candidates), tried);
  if (truer !== choices) trial.goOnWith(truer);
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
