import {
  type CandidateFix,
  decideLevel,
  evolveLevel,
  initialLevel,
  type LevelFact,
  type ProposeLevel,
} from '../src/domain/level.js';

const fix = (fixId: string, changed: Partial<CandidateFix> = {}): CandidateFix => ({
  fixId,
  kernelId: 'k1',
  state: 'built',
  recalled: false,
  ...changed,
});
const propose = (fixes: CandidateFix[], changed: Partial<ProposeLevel> = {}): ProposeLevel => ({
  kernelId: 'k1',
  fixes,
  unknown: [],
  leaveOut: false,
  ...changed,
});
const proposed = (level: number, ...fixIds: string[]): LevelFact => ({
  type: 'LevelProposed',
  data: { kernelId: 'k1', level, fixIds, leaveOut: false },
});
const refused = (level: number): LevelFact => ({
  type: 'LevelRefused',
  data: { kernelId: 'k1', level, stage: 'diff', reasons: [{ code: 'x', reason: 'x' }], conflicts: [], durationMs: 1 },
});
const given = (past: readonly LevelFact[]) => ({
  when: (command: ProposeLevel) => decideLevel(command, past.reduce(evolveLevel, initialLevel())),
});

describe('a level is proposed', () => {
  it('with the next number of its kernel', () => {
    expect(given([]).when(propose([fix('a'), fix('b')]))).toEqual([proposed(1, 'a', 'b')]);
    expect(given([proposed(1, 'a')]).when(propose([fix('a'), fix('b')]))).toEqual([proposed(2, 'a', 'b')]);
  });

  it('once for the same fixes, and anew after a refusal, never under a number that was used', () => {
    expect(given([proposed(1, 'a', 'b')]).when(propose([fix('a'), fix('b')]))).toEqual([]);
    expect(given([proposed(1, 'a'), refused(1)]).when(propose([fix('a')]))).toEqual([proposed(2, 'a')]);
    expect(given([proposed(1, 'a'), proposed(2, 'b'), refused(1)]).when(propose([fix('b')]))).toEqual([]);
  });

  it('not with what can be in none, each named', () => {
    const unfit = [fix('r', { state: 'refused' }), fix('o', { kernelId: 'k2' }), fix('w', { recalled: true })];
    const command = propose([fix('a'), ...unfit], { unknown: ['u'] });
    expect(() => given([]).when(command)).toThrow(
      expect.objectContaining({
        code: 'level-fixes-unfit',
        unfit: ['fix-unknown', 'fix-not-built', 'fix-of-another-kernel', 'fix-recalled'].map((code) =>
          expect.objectContaining({ code }),
        ),
      }),
    );
    const [event] = given([]).when({ ...command, leaveOut: true });
    expect(event?.data).toMatchObject({ fixIds: ['a'], leaveOut: true });
  });

  it('not without fixes, and not with more than an event holds', () => {
    expect(() => given([]).when(propose([]))).toThrow(expect.objectContaining({ code: 'level-without-fixes' }));
    const many = Array.from({ length: 2001 }, (_, at) => fix(`f${at}`));
    expect(() => given([]).when(propose(many))).toThrow(expect.objectContaining({ code: 'level-too-large' }));
  });
});
