import type { Candidate, FilePatch } from '../candidates/candidate.js';
import type { Choice } from '../select/choose.js';
import { playRound, type Round } from './round.js';
import type { StepBudget } from './step-budget.js';
import type { VersionTexts } from './version-texts.js';

/** A choice of candidates, in order, that is replayed whenever it changes. */
export class Trial {
  /** What was tried and is chosen no more. */
  readonly dropped = new Set<Candidate>();
  private anew: ReadonlySet<FilePatch> = new Set();
  private chosen: readonly Choice[];
  private played: Round;

  constructor(
    readonly base: VersionTexts,
    readonly target: VersionTexts,
    private readonly budget: StepBudget,
    choices: readonly Choice[],
    private readonly names: ReadonlyMap<string, string>,
  ) {
    this.chosen = choices;
    this.played = this.play();
  }

  get choices(): readonly Choice[] {
    return this.chosen;
  }

  /** What came of the choices as they are. */
  get round(): Round {
    return this.played;
  }

  goOnWith(choices: readonly Choice[]): void {
    for (const { candidate } of this.chosen) this.dropped.add(candidate);
    for (const { candidate } of choices) this.dropped.delete(candidate);
    this.chosen = choices;
    this.played = this.play();
  }

  /** Replays no more what candidates do to these files. */
  leaveOut(anew: ReadonlySet<FilePatch>): void {
    if (anew.size === 0) return;
    this.anew = anew;
    this.played = this.play();
  }

  private play(): Round {
    return playRound(this.base, this.target, this.chosen, this.budget, this.anew, this.names);
  }
}
