import type { LicenseTerms } from '#libs/contracts';
import { type Cited, explain, refusals, rules, type Standing } from './index.js';

const terms: LicenseTerms = {
  kind: 'trial',
  distros: ['debian'],
  majors: ['12'],
  arches: ['x86_64'],
  tier: 'early',
  seats: 1,
  notBefore: '2026-01-01T00:00:00.000Z',
  expiresAt: '2026-02-01T00:00:00.000Z',
  graceSec: 0,
};
const at = new Date('2026-01-10T00:00:00.000Z');
const kernel = { distro: 'debian', major: '12', arch: 'x86_64' };
const cite = (type: Cited['type'], position: number): Cited => ({
  id: `e${position}`,
  type,
  at: at.toISOString(),
  position,
});
const evidence = {
  terms: [cite('TrialIssued', 1)],
  revocation: [cite('LicenseRevoked', 9)],
  transfer: [cite('LicenseTransferred', 7)],
  enrolments: [cite('MachineEnrolled', 5)],
  seat: [cite('MachineRetired', 8)],
  displacement: [cite('MachineEnrolled', 6)],
  'earlier-trial': [cite('TrialIssued', 2)],
};
const free: Standing = { seated: false, otherMachines: 0, enrolmentsToday: 0, reinstalls: 0 };
const license = { status: 'active', licenseId: 'lic', customerId: 'acme', terms } as const;

describe('an explanation', () => {
  it('names every rule once, with what it rests on', () => {
    const answer = explain(license, { kernel, tier: 'stable', standing: free, customerId: 'acme', at }, evidence);
    expect(answer).toMatchObject({ entitled: true, at: at.toISOString(), terms });
    expect(answer.rules.map(({ rule }) => rule)).toEqual(rules.map(({ code }) => code));
    expect(new Set(rules.map(({ code }) => code)).size).toBe(rules.length);
    expect(answer.rules.every(({ verdict }) => verdict === 'passes')).toBe(true);
    expect(answer.rules.find(({ rule }) => rule === 'license-expired')?.because).toEqual(evidence.terms);
  });

  it('says which rules were not asked', () => {
    const { entitled, rules: answers } = explain(license, { kernel: { distro: 'debian', major: '12' }, at }, evidence);
    expect(entitled).toBe(true);
    expect(answers.filter(({ verdict }) => verdict === 'not-asked').map(({ rule }) => rule)).toEqual([
      'license-transferred',
      'arch-not-covered',
      'tier-not-covered',
      'machine-retired',
      'machine-released',
      'machine-cloned',
      'no-seat-left',
      'hardware-enrolled-again',
      'trial-used-on-machine',
      'too-many-enrolments',
      'too-many-reinstalls',
    ]);
  });

  it('refuses for the same reasons as a lease, and says what would change each', () => {
    const question = {
      kernel: { distro: 'rhel', major: '9', arch: 'aarch64' },
      tier: 'canary',
      standing: {
        ...free,
        otherMachines: 1,
        displacedBy: 'm2',
        elsewhere: true,
        released: true,
        retired: true,
        earlierTrial: 't0',
        enrolmentsToday: 99,
        reinstalls: 9,
      },
      at: new Date('2027-01-01'),
    } as const;
    const revoked = { ...license, status: 'revoked' } as const;
    const answer = explain(revoked, question, evidence);
    const refused = answer.rules.filter(({ verdict }) => verdict === 'refuses');
    expect(answer.entitled).toBe(false);
    expect(refused.map(({ rule }) => rule)).toEqual(refusals(revoked, question).map(({ code }) => code));
    // Who shows what is another customer's is told that, and nothing of its terms and seats.
    const foreign = { ...question, customerId: 'former' };
    expect(refusals(revoked, foreign).map(({ code }) => code)).toEqual(['license-transferred']);
    const [first] = explain(revoked, foreign, evidence).rules;
    expect(first).toMatchObject({ verdict: 'refuses', because: evidence.transfer });
    // All but those which can't fail at the same time.
    expect(refused.map(({ rule }) => rule)).toEqual(
      rules.map(({ code }) => code).filter((code) => !['license-transferred', 'license-not-yet-valid'].includes(code)),
    );
    for (const { change, reason, because } of refused) {
      expect(change).toMatch(/\w/);
      expect(reason).toMatch(/\w/);
      expect(because).toHaveLength(1);
    }
    expect(refused[0]?.because).toEqual(evidence.revocation);
  });

  it('refuses a machine that names no release where the licence names some', () => {
    const [reason] = refusals(license, { kernel: { distro: 'debian' }, at });
    expect(reason).toMatchObject({ code: 'major-not-covered', advice: expect.stringContaining('os-release') });
  });
});
