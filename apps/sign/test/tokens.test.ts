import { type EventData, fact, type LicenseTerms, trustKeysSchema } from '#libs/contracts';
import { type Lease, thumbprintOf, verifyLease, verifyLicense } from '#libs/trust';
import { record, type SignUnderTest, startSign } from './sign.fixture.js';

const dayMs = 86_400_000;
const now = Date.now();
const iso = (ms: number) => new Date(Math.floor((now + ms) / 1000) * 1000).toISOString();
const terms: LicenseTerms = {
  kind: 'trial',
  distros: ['debian'],
  tier: 'stable',
  seats: 3,
  notBefore: iso(0),
  expiresAt: iso(30 * dayMs),
  graceSec: 0,
};
const license = { licenseId: 'lic-1', customerId: 'cust-1', terms, rev: 1 };
const keyThumbprint = thumbprintOf({ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' });
const kernel = { distro: 'debian', arch: 'x86_64', release: '6.1.0-54-amd64', buildId: 'ab'.repeat(20) } as const;
const lease: EventData<'LeaseGranted'> = {
  machineId: 'm1',
  leaseId: 'lease-1',
  licenseId: 'lic-1',
  kernel,
  tier: 'stable',
  expiresAt: iso(7 * dayMs),
};

let under: SignUnderTest;
beforeEach(async () => {
  under = await startSign();
});
afterEach(async () => under.stop());

const failsWith = (code: string) => expect.objectContaining({ name: 'SignRefusal', code });
const keys = () => trustKeysSchema.parse(under.tokens.keys());
const issue = () => record(under.events, 'license.lic-1', fact('TrialIssued', license));
const revoke = () =>
  record(under.events, 'license.lic-1', fact('LicenseRevoked', { licenseId: 'lic-1', reason: 'unpaid' }));
const enrol = (changed: Partial<typeof lease> = {}) =>
  record(
    under.events,
    'machine.m1',
    fact('MachineEnrolled', { machineId: 'm1', licenseId: 'lic-1', customerId: 'cust-1', keyThumbprint, kernel }),
    fact('LeaseGranted', { ...lease, ...changed }),
  );

describe('a licence is signed', () => {
  it('as the log has it, the same each time', async () => {
    await issue();
    const { token } = await under.tokens.license({ ...license, issuedAt: terms.notBefore });
    await expect(verifyLicense(token, keys(), new Date(now + dayMs))).resolves.toEqual(license);
    await expect(under.tokens.license(license)).resolves.toEqual({ token });
  });

  it('for nobody who asks for more than was issued', async () => {
    await expect(under.tokens.license(license)).rejects.toEqual(failsWith('not-in-log'));
    await issue();
    const { expiresAt: _, ...endless } = terms;
    const wishes = [
      { terms: { ...terms, seats: 1000 } },
      { terms: endless },
      { customerId: 'cust-2' },
      { rev: 2 },
      { terms: { ...terms, distros: ['debian', 'rhel'] } },
    ];
    for (const wish of wishes) {
      await expect(under.tokens.license({ ...license, ...wish })).rejects.toEqual(failsWith('not-in-log'));
    }
  });

  it('not when it was revoked, nor on a malformed request', async () => {
    await issue();
    await revoke();
    await expect(under.tokens.license(license)).rejects.toEqual(failsWith('license-revoked'));
    await expect(under.tokens.license({ licenseId: '../x' })).rejects.toEqual(failsWith('malformed-request'));
    await expect(under.tokens.license(null)).rejects.toEqual(failsWith('malformed-request'));
  });
});

describe('a lease is signed', () => {
  const holder = { machineId: 'm1', keyThumbprint };
  const request = { ...lease, keyThumbprint };

  it('as it was granted, bound to the machine’s key, the same each time', async () => {
    await issue();
    await enrol();
    const { token } = await under.tokens.lease(request);
    const expected: Lease = { ...lease, rev: 1, keyThumbprint };
    await expect(verifyLease(token, keys(), holder, new Date(now + dayMs))).resolves.toEqual(expected);
    await expect(under.tokens.lease(request)).resolves.toEqual({ token });
  });

  it('for nobody who asks for another one', async () => {
    await issue();
    await expect(under.tokens.lease(request)).rejects.toEqual(failsWith('not-in-log'));
    await enrol();
    const wishes = [
      { tier: 'canary' },
      { expiresAt: iso(6 * dayMs) },
      { leaseId: 'lease-2' },
      { kernel: { ...kernel, release: '6.1.0-56-amd64' } },
      { machineId: 'm2' },
      { keyThumbprint: 'x'.repeat(43) },
    ];
    for (const wish of wishes) {
      await expect(under.tokens.lease({ ...request, ...wish })).rejects.toEqual(failsWith('not-in-log'));
    }
  });

  it('not when a later one was refused, or the licence revoked', async () => {
    await issue();
    await enrol();
    await revoke();
    await expect(under.tokens.lease(request)).rejects.toEqual(failsWith('license-revoked'));
    await record(
      under.events,
      'machine.m1',
      fact('LeaseRefused', { machineId: 'm1', reasons: [{ code: 'license-revoked', reason: 'unpaid' }] }),
    );
    await expect(under.tokens.lease(request)).rejects.toEqual(failsWith('not-in-log'));
  });

  it('for seven days at most, and not after its end', async () => {
    await issue();
    await enrol({ expiresAt: iso(8 * dayMs) });
    const tooLong = { ...request, expiresAt: iso(8 * dayMs) };
    await expect(under.tokens.lease(tooLong)).rejects.toEqual(failsWith('lease-too-long'));
    await enrol({ expiresAt: iso(-1000) });
    await expect(under.tokens.lease({ ...request, expiresAt: iso(-1000) })).rejects.toEqual(failsWith('lease-ended'));
  });
});
