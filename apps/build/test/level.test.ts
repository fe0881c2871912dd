import { digestOf, type Fact, fact, factOf, type LevelConflict } from '#libs/contracts';
import {
  decideLevelBuilt,
  decideLevelRefused,
  isLevelSettled,
  selectFixes,
  type ToldFix,
} from '../src/domain/level.js';

const digest = digestOf('x');
const [tree, head, other] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string];
const commit = (digit: string): string => digit.repeat(40);

interface Told {
  readonly kernelId?: string;
  readonly baseTree?: string;
  readonly head?: string;
  readonly brings?: readonly string[];
  readonly refused?: boolean;
}

/** A fix with what its own stream says. */
function told(fixId: string, { kernelId = 'k1', baseTree = tree, head: end, brings, refused }: Told = {}): ToldFix {
  const source =
    end === undefined ? ({ kind: 'patch' } as const) : ({ kind: 'commit', dropId: 'd1', commit: commit('1') } as const);
  const settled = { fixId, kernelId, durationMs: 1 };
  const facts: Fact[] = [
    fact('FixProposed', {
      fixId,
      kernelId,
      baseTree,
      patch: digest,
      source,
      subject: 's',
      cves: [],
      confidence: 1,
      paths: ['fs/a.c'],
    }),
    fact('ObjectsBuilt', {
      fixId,
      objects: [{ path: 'fs/a.o', owner: 'vmlinux', original: digest, patched: digest }],
      durationMs: 1,
    }),
    refused === true
      ? fact('HotPatchRefused', { ...settled, stage: 'diff', reasons: [{ code: 'no-fentry', reason: 'r' }] })
      : fact('HotPatchBuilt', {
          ...settled,
          module: { name: 'm', digest, sizeBytes: 1 },
          functions: [
            {
              object: 'vmlinux',
              symbol: 'f',
              sympos: 0,
              objectFile: 'fs/a.o',
              oldSha256: digest,
              newSha256: digest,
              sizeBytes: 1,
            },
          ],
          runPre: { matched: 1, checked: 1 },
          warnings: [],
          ...(brings === undefined ? {} : { brings: brings.map((one) => ({ commit: one, subject: 'b', why: 'w' })) }),
        }),
  ];
  return { fixId, facts, ...(end === undefined ? {} : { series: { head: end } }) };
}

const codes = (conflicts: readonly LevelConflict[]) =>
  conflicts.map(({ fixId, reasons }) => `${fixId} ${reasons.map(({ code }) => code).join()}`);

describe('the fixes of a level', () => {
  it('are those that are live patches by themselves, with the commits that each brought', () => {
    const { selected, conflicts } = selectFixes('k1', [told('p'), told('c', { head, brings: [commit('2')] })]);
    expect(conflicts).toEqual([]);
    expect(selected).toMatchObject({ baseTree: tree, series: { head } });
    expect(selected?.fixes.map(({ proposed, commits, objects }) => [proposed.fixId, commits, objects])).toEqual([
      ['p', undefined, ['fs/a.o']],
      ['c', [commit('2'), commit('1')], ['fs/a.o']],
    ]);
  });

  it('are of one kernel, one source and one series; the others are named', () => {
    const { selected, conflicts } = selectFixes('k1', [
      told('c', { head }),
      told('refused', { refused: true }),
      told('foreign', { kernelId: 'k2' }),
      told('elsewhere', { baseTree: other }),
      told('of another series', { head: other }),
      { fixId: 'unknown', facts: [] },
      told('p'),
    ]);
    expect(codes(conflicts)).toEqual([
      'refused level-fix-not-built',
      'foreign level-fix-not-built',
      'elsewhere level-of-two-sources',
      'of another series level-of-two-series',
      'unknown level-fix-not-built',
    ]);
    expect(selected?.fixes.map(({ proposed }) => proposed.fixId)).toEqual(['c', 'p']);
    expect(selectFixes('k1', [told('refused', { refused: true })]).selected).toBeUndefined();
  });
});

/** A fact as the log would give it back. */
const readable = ([one]: readonly Fact[]): Fact => {
  const { type, data } = one ?? { type: 'none', data: {} };
  return factOf({ id: 'i', type, v: 1, at: '2026-11-26T00:00:00Z', actor: 'build', correlationId: 'c', data });
};

describe('a level', () => {
  const proposed = { kernelId: 'k1', level: 2, fixIds: ['a'], leaveOut: false };
  it('that was built or refused is settled, and no other of its kernel', () => {
    const made = {
      fixIds: ['a'],
      module: { name: 'm', digest, sizeBytes: 1 },
      content: digest,
      functions: 1,
      warnings: 0,
      runPre: { matched: 1, checked: 1 },
      leftOut: [],
    };
    const built = readable(decideLevelBuilt(proposed, made, 5));
    expect(built).toMatchObject({ type: 'LevelBuilt', data: { level: 2, fixIds: ['a'], durationMs: 5 } });
    expect([1, 2, 3].map((level) => isLevelSettled([built], level))).toEqual([false, true, false]);
  });

  it('that was refused for more than an event holds says the first of it, below the log’s limit', () => {
    const reasons = Array.from({ length: 1000 }, () => ({
      code: 'x',
      reason: 'y'.repeat(4096),
      advice: 'z'.repeat(2048),
    }));
    const conflicts = Array.from({ length: 2000 }, (_, at) => ({ fixId: `f${at}`, reasons }));
    const refused = readable(decideLevelRefused(proposed, 'diff', reasons, conflicts, 5));
    expect(refused.type).toBe('LevelRefused');
    expect(JSON.stringify(refused).length).toBeLessThan(900_000);
  });
});
