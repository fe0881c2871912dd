import type { BuildStage } from '#libs/hotpatch';

/** What a build does, in order: takes the fix onto the source, finds the objects that it reaches, and so on. */
export const phases = ['apply', 'find', 'compile', 'match', 'diff', 'emit'] as const;
export type Phase = (typeof phases)[number];

/** Milliseconds of each phase; a build that brings commits goes through some of them several times. */
export type PhaseTimes = Readonly<Record<Phase, number>>;

/** Takes the time from one message of a build to the next. */
export class PhaseClock {
  private readonly times: Record<Phase, number> = { apply: 0, find: 0, compile: 0, match: 0, diff: 0, emit: 0 };
  private phase: Phase = 'apply';
  private since = performance.now();

  /** The build says `apply` when the fix is applied, and again while it looks for objects. */
  readonly heard = (stage: BuildStage): void => {
    this.enter(stage === 'apply' ? 'find' : stage);
  };

  end(): PhaseTimes {
    this.enter('apply');
    return this.times;
  }

  private enter(phase: Phase): void {
    const now = performance.now();
    this.times[this.phase] += now - this.since;
    this.since = now;
    this.phase = phase;
  }
}
