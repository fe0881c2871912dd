import { type EventData, type Fact, fact, digestOf, factOf } from '#libs/contracts';
import { decideBuilt, decideRefused, isSettled, moduleNameOf } from '../src/domain/fix.js';
import { decideReceived, kernelIdOf, kernelState, needsImport } from '../src/domain/kernel.js';

const digest = digestOf('x');
const proposed: EventData<'FixProposed'> = {
  fixId: 'f-1',
  kernelId: 'k1',
  baseTree: 'a'.repeat(40),
  patch: digest,
  source: { kind: 'patch' },
  subject: 'a fix',
  cves: [],
  confidence: 1,
  paths: ['fs/a.c'],
};
const object = { path: 'fs/a.o', owner: 'vmlinux', original: digest, patched: digest };
const settling = { proposed, objects: [object], durationMs: 5 };
const reason = { code: 'no-fentry', reason: 'because' };

/** Every fact must be writable: it is checked as the store would. */
function written(facts: readonly Fact[]): readonly string[] {
  for (const { type, data } of facts) {
    factOf({ id: 'i', type, v: 1, at: '2026-11-23T00:00:00Z', actor: 'build', correlationId: 'c', data });
  }
  return facts.map(({ type }) => type);
}

describe('a fix', () => {
  test('that was built: objects and patch in one commit', () => {
    const functions = [
      {
        object: 'vmlinux',
        symbol: 'f',
        sympos: 1,
        objectFile: 'fs/a.o',
        oldSha256: digest,
        newSha256: digest,
        sizeBytes: 9,
      },
    ];
    const patch = {
      outcome: 'built' as const,
      module: { name: 'm', bytes: new Uint8Array(3) },
      functions,
      runPre: { matched: 2, checked: 2 },
      warnings: [],
      objects: [],
    };
    const facts = decideBuilt(settling, patch, { digest, sizeBytes: 3 });
    expect(written(facts)).toEqual(['ObjectsBuilt', 'HotPatchBuilt']);
    expect(facts.at(-1)).toMatchObject({ data: { module: { name: 'm', digest, sizeBytes: 3 }, functions } });
    expect(isSettled(facts)).toBe(true);
    expect(facts.at(-1)?.data).not.toHaveProperty('brings');
    const brings = [{ commit: 'b'.repeat(40), subject: 'an earlier one', why: 'w'.repeat(3000) }];
    const with1 = decideBuilt(settling, { ...patch, brings }, { digest, sizeBytes: 3 });
    expect(written(with1)).toEqual(['ObjectsBuilt', 'HotPatchBuilt']);
    expect(with1.at(-1)).toMatchObject({ data: { brings: [{ commit: 'b'.repeat(40), subject: 'an earlier one' }] } });
  });

  test('that was refused: with mismatches and objects where there are any', () => {
    expect(written(decideRefused(settling, { stage: 'match', reasons: [reason], mismatches: [reason] }))).toEqual([
      'ObjectsBuilt',
      'RunPreMismatch',
      'HotPatchRefused',
    ]);
    const early = decideRefused({ ...settling, objects: [] }, { stage: 'apply', reasons: [reason], mismatches: [] });
    expect(written(early)).toEqual(['HotPatchRefused']);
  });

  test('refused with more reasons, and longer ones, than an event holds', () => {
    const reasons = Array.from({ length: 2500 }, () => ({ code: 'x', reason: 'y'.repeat(10_000) }));
    const facts = decideRefused({ ...settling, objects: [] }, { stage: 'diff', reasons, mismatches: [] });
    expect(written(facts)).toEqual(['HotPatchRefused']);
    const [last] = facts;
    expect(last?.type === 'HotPatchRefused' && last.data.reasons.at(-1)).toMatchObject({ code: 'more-reasons' });
  });

  test('is open until then', () => {
    expect(isSettled([fact('FixProposed', proposed)])).toBe(false);
    expect(moduleNameOf('0123-4567-89abcdef')).toBe('splicecast_0123_4567_89');
  });
});

describe('a kernel', () => {
  const received = {
    kernelId: 'k1',
    distro: 'debian',
    packages: ['image' as const, 'headers' as const].map((role) => ({ role, fileName: role, digest, sizeBytes: 1 })),
  };
  const first = fact('KernelReceived', received);
  const rejected = fact('KernelRejected', { kernelId: 'k1', reasons: [reason] });

  test('is named by its packages, in whatever order', () => {
    expect(kernelIdOf(['a', 'b'])).toBe(kernelIdOf(['b', 'a']));
    expect(kernelIdOf(['a', 'b'])).not.toBe(kernelIdOf(['a', 'c']));
  });

  test.each([
    ['nothing', [], 1, false],
    ['received', [first], 0, true],
    ['rejected', [first, rejected], 1, false],
    ['received again', [first, rejected, first], 0, true],
  ])('%s', (_what, past, facts, open) => {
    const state = kernelState(past);
    expect(decideReceived(state, received)).toHaveLength(facts);
    expect(needsImport(state)).toBe(open);
  });
});
