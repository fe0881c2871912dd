import { type Fact, fact, maxLevelFixes } from '#libs/contracts';

export type LevelFact = Fact<'LevelProposed' | 'LevelBuilt' | 'LevelRefused'>;

/** The last level of a kernel; earlier ones don't matter for what comes next. */
export interface LevelState {
  readonly level: number;
  readonly fixIds: readonly string[];
  readonly leaveOut: boolean;
  readonly refused: boolean;
}

/** A fix that is to be in a level, as the catalog knows it. */
export interface CandidateFix {
  readonly fixId: string;
  readonly kernelId: string;
  readonly state: 'proposed' | 'built' | 'refused';
  /** Its own bundle was withdrawn. */
  readonly recalled: boolean;
}

export interface ProposeLevel {
  readonly kernelId: string;
  /** In the order in which they were proposed. */
  readonly fixes: readonly CandidateFix[];
  /** Fixes that were asked for and that nobody knows. */
  readonly unknown: readonly string[];
  readonly leaveOut: boolean;
}

export type UnfitCode = 'fix-unknown' | 'fix-of-another-kernel' | 'fix-not-built' | 'fix-recalled';

/** A fix that can't be in a level, whatever the others are. */
export interface UnfitFix {
  readonly fixId: string;
  readonly code: UnfitCode;
  readonly reason: string;
}

export type LevelRefusalCode = 'level-without-fixes' | 'level-too-large' | 'level-fixes-unfit';

export class LevelRefusal extends Error {
  override readonly name = 'LevelRefusal';
  constructor(
    readonly code: LevelRefusalCode,
    message: string,
    readonly unfit: readonly UnfitFix[] = [],
  ) {
    super(message);
  }
}

export const initialLevel = (): LevelState => ({ level: 0, fixIds: [], leaveOut: false, refused: false });

export function evolveLevel(state: LevelState, event: LevelFact): LevelState {
  switch (event.type) {
    case 'LevelProposed':
      return { ...event.data, refused: false };
    case 'LevelRefused':
      return event.data.level === state.level ? { ...state, refused: true } : state;
    default:
      event.type satisfies 'LevelBuilt';
      return state;
  }
}

/** Which of the fixes can't be in any level of that kernel, and why. */
export function unfitFixes({ kernelId, fixes, unknown }: ProposeLevel): readonly UnfitFix[] {
  return [
    ...unknown.map((fixId): UnfitFix => ({ fixId, code: 'fix-unknown', reason: `there is no fix ${fixId}` })),
    ...fixes.flatMap((one): UnfitFix[] => {
      const { fixId, state } = one;
      if (one.kernelId !== kernelId)
        return [{ fixId, code: 'fix-of-another-kernel', reason: `fix ${fixId} is for kernel ${one.kernelId}` }];
      if (state !== 'built') return [{ fixId, code: 'fix-not-built', reason: `fix ${fixId} is ${state}` }];
      return one.recalled ? [{ fixId, code: 'fix-recalled', reason: `the bundle of fix ${fixId} was withdrawn` }] : [];
    }),
  ];
}

/**
 * Gives the next level of a kernel its number. The same fixes again make no other level, unless the last one was refused: then
 * it is tried anew, under a new number. @throws LevelRefusal
 */
export function decideLevel(command: ProposeLevel, state: LevelState): readonly LevelFact[] {
  const { kernelId, fixes, leaveOut } = command;
  const unfit = unfitFixes(command);
  if (unfit.length > 0 && !leaveOut) {
    throw new LevelRefusal('level-fixes-unfit', unfit.map(({ reason }) => reason).join('; '), unfit);
  }
  const out = new Set(unfit.map(({ fixId }) => fixId));
  const fixIds = fixes.map(({ fixId }) => fixId).filter((fixId) => !out.has(fixId));
  if (fixIds.length === 0) throw new LevelRefusal('level-without-fixes', `kernel ${kernelId} has no fix for a level`);
  if (fixIds.length > maxLevelFixes) {
    throw new LevelRefusal('level-too-large', `${fixIds.length} fixes, at most ${maxLevelFixes} make a level`);
  }
  const same = state.leaveOut === leaveOut && fixIds.join() === state.fixIds.join();
  if (same && !state.refused) return [];
  return [fact('LevelProposed', { kernelId, level: state.level + 1, fixIds, leaveOut })];
}
