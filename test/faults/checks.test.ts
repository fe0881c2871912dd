import { derivedId, type Fact, fact } from '#libs/contracts';
import type { Entry } from './log.js';
import { checkEntitlement } from './checks/entitlement.js';
import { checkExactlyOnce } from './checks/exactly-once.js';
import type { Given } from './machine.js';
import type { Told } from './operator.js';
import { Oracle } from './oracle.js';
import { kernels, runningOf } from './world.js';

const kernelId = 'k-debian-54';
const kernel = kernels.get(kernelId) ?? [...kernels.values()][0];
if (kernel === undefined) throw new Error('there is a kernel');
const running = runningOf(kernel);
const digest = 'a'.repeat(64);

/** A log in which something happens each second, from 1970 on. */
function logOf(...facts: readonly (readonly [stream: string, ...facts: Fact[]])[]): Entry[] {
  return facts.map(([stream, ...of], index) => ({
    position: index + 1,
    stream,
    key: `${stream}:command-${index}`,
    storedMs: (index + 1) * 1_000,
    digest: '',
    events: of.map((one, n) => ({
      fact: one,
      envelope: {
        id: `${index}.${n}`,
        type: one.type,
        v: 1,
        at: new Date((index + 1) * 1_000).toISOString(),
        actor: 'test',
        correlationId: 'c',
        data: one.data,
      },
    })),
  }));
}

const terms = {
  kind: 'subscription' as const,
  distros: ['debian'],
  tier: 'early' as const,
  seats: 1,
  notBefore: '1970-01-01T00:00:00.000Z',
  graceSec: 0,
};
const lease = { machineId: 'm1', leaseId: 'l1', licenseId: 'lic', kernel: running, tier: 'early' as const };
const enrolled = {
  machineId: 'm1',
  licenseId: 'lic',
  customerId: 'c1',
  keyThumbprint: 'x'.repeat(43),
  kernel: running,
};
const assembled = { bundleId: 'b1', fixIds: ['f1'], kernelId, manifest: digest, artefact: digest, sizeBytes: 1 };

/** 1 s kernel, 2 licence, 3 bundle, 4 lease, 5 promoted to canary, 6 to early, 7 whatever ends it. */
const story = (last: readonly [string, Fact]): Entry[] =>
  logOf(
    [
      `kernel.${kernelId}`,
      fact('KernelImported', {
        kernelId,
        kernel,
        compiler: 'gcc',
        config: digest,
        symvers: digest,
        kallsyms: digest,
        btf: digest,
        counts: { symbols: 1, exports: 1, btfTypes: 1 },
        durationMs: 1,
      }),
    ],
    ['license.lic', fact('SubscriptionActivated', { licenseId: 'lic', customerId: 'c1', terms, rev: 1 })],
    [
      'bundle.b1',
      fact('BundleAssembled', assembled),
      fact('BundleSigned', { bundleId: 'b1', signature: digest, keyIds: ['k'] }),
    ],
    [
      'machine.m1',
      fact('MachineEnrolled', enrolled),
      fact('LeaseGranted', { ...lease, expiresAt: '1970-01-01T00:01:00.000Z' }),
    ],
    ['bundle.b1', fact('BundlePromoted', { bundleId: 'b1', tier: 'canary' })],
    ['bundle.b1', fact('BundlePromoted', { bundleId: 'b1', tier: 'early' })],
    last,
  );
const recalled = ['bundle.b1', fact('BundleRecalled', { bundleId: 'b1', reason: 'bad' })] as const;
const revoked = ['license.lic', fact('LicenseRevoked', { licenseId: 'lic', reason: 'unpaid' })] as const;
const claim = { machineId: 'm1', bundleId: 'b1', leaseId: 'l1' };

/** Bytes that the machine was given, for a request of that time. */
const givenAt = (sentMs: number, answeredMs = sentMs): Given => ({
  machineId: 'm1',
  bundleId: 'b1',
  how: 'bytes',
  lease: { token: '', leaseId: 'l1', licenseId: 'lic', kernel: running, expiresMs: 60_000, atMs: 4_000 },
  sentMs,
  answeredMs,
});

describe('the oracle', () => {
  it('lets a machine be offered by the last lease that the log has where the one that it shows had ended, and fetch by none', () => {
    const later = { ...lease, leaseId: 'l2', expiresAt: '1970-01-01T00:02:00.000Z' };
    const oracle = new Oracle(story(['machine.m1', fact('LeaseGranted', later)]));
    expect(oracle.against({ ...claim, orStanding: true }, 61_000)).toEqual([]);
    expect(oracle.against({ ...claim, orStanding: true }, 121_000)).toEqual(['the lease had ended']);
    expect(oracle.against(claim, 61_000)).toEqual(['the lease had ended']);
  });

  it.each([
    [5_500, 'not promoted so far'],
    [61_000, 'the lease had ended'],
  ])('at %d ms says what stands against a download: %s', (atMs, reason) => {
    expect(
      new Oracle(story(['audit.x', fact('BundlePromoted', { bundleId: 'b1', tier: 'early' })])).against(claim, atMs),
    ).toContain(reason);
  });

  it('knows from when to when it was right', () => {
    for (const [end, code] of [
      [recalled, 'recalled'],
      [revoked, 'license-revoked'],
      [
        ['machine.m1', fact('MachineReleased', { machineId: 'm1', licenseId: 'lic', reason: 'x' })] as const,
        'the machine has no seat any more',
      ],
    ] as const) {
      const oracle = new Oracle(story(end));
      expect(oracle.against(claim, 6_500)).toEqual([]);
      expect(oracle.against(claim, 7_500)).toContain(code);
      expect(oracle.lastRight(claim, 5_500, 8_000)).toBeCloseTo(6_999.999, 2);
      expect(oracle.lastRight(claim, 7_100, 8_000)).toBeUndefined();
    }
  });

  it('has a download that began before the right to it ended pass, and counts what came soon after', () => {
    const oracle = new Oracle(story(revoked));
    expect(checkEntitlement([givenAt(6_900, 7_200)], oracle)).toMatchObject({ violations: [], late: 0 });
    const soon = checkEntitlement([givenAt(7_100, 7_200)], oracle);
    expect(soon).toMatchObject({ violations: [], late: 1 });
    expect(soon.latestMs).toBeCloseTo(100, 0);
    expect(checkEntitlement([givenAt(12_500)], oracle).violations).toMatchObject([{ check: 'entitlement' }]);
    expect(checkEntitlement([givenAt(5_100)], oracle).violations).toMatchObject([{ check: 'entitlement' }]);
  });
});

const checked = (entries: readonly Entry[], one: Told): string[] =>
  checkExactlyOnce(entries, [one]).violations.map(({ what }) => what);

describe('the check that everything is there once', () => {
  const wish = {
    key: 'k1',
    kind: 'recall',
    method: 'POST',
    path: '/v1/bundles/b1/recall',
    body: { reason: 'k1' },
  } as const;
  const told = (over: Partial<Told> = {}): Told => ({
    wish,
    outcome: 'acknowledged',
    attempts: 1,
    unanswered: 0,
    answeredMs: 9_000,
    ...over,
  });
  const name = derivedId('k1');
  const carriedOut = (stream: string): Entry => {
    const recall = fact('BundleRecalled', { bundleId: 'b1', reason: 'k1' });
    const envelope = { id: 'r1', type: recall.type, v: 1, at: '1970-01-01T00:00:08.000Z', actor: 'admin' };
    return {
      position: 8,
      stream,
      key: `${stream}:catalog:recall:b1:${name}`,
      storedMs: 8_000,
      digest: '',
      events: [{ fact: recall, envelope: { ...envelope, correlationId: 'c', data: recall.data } }],
    };
  };

  it('misses what was acknowledged and is not there, finds what was refused and is, and what is there twice', () => {
    const before = story(['audit.x', fact('BundlePromoted', { bundleId: 'b1', tier: 'early' })]);
    expect(checked(before, told())).toEqual([expect.stringContaining('is not in the log')]);
    const done = [...before, carriedOut('bundle.b1')];
    expect(checked(done, told())).toEqual([]);
    expect(checked(done, told({ outcome: 'refused' }))).toEqual([expect.stringContaining('was refused')]);
    expect(checked(done, told({ answeredMs: 6_000 }))).toEqual([expect.stringContaining('before it was in the log')]);
    const twice = [...done, { ...carriedOut('bundle.b1'), position: 9 }];
    expect(checked(twice, told()).join()).toMatch(/in the log twice.*more than once/);
    const { ambiguous } = checkExactlyOnce(done, [told({ outcome: 'ambiguous' })]);
    expect(ambiguous).toEqual({ carriedOut: 1, notCarriedOut: 0 });
  });
});
