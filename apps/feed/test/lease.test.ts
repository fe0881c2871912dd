import { fact, type LicenseTerms } from '#libs/contracts';
import type { LicenseState } from '#libs/licensing';
import { decideLease, type RequestLease } from '../src/domain/lease.js';
import { evolveMachine, initialMachine, isMachineFact, type MachineState } from '../src/domain/machine.js';

const at = new Date('2026-11-23T10:00:00.000Z');
const days = (n: number) => new Date(at.getTime() + n * 86_400_000);
const kernel = { distro: 'debian', arch: 'x86_64', release: '6.1.0-54-amd64', buildId: 'ab'.repeat(20) } as const;
const terms: LicenseTerms = {
  kind: 'trial',
  distros: ['debian'],
  tier: 'early',
  seats: 2,
  notBefore: '2026-11-01T00:00:00.000Z',
  expiresAt: '2026-12-01T00:00:00.000Z',
  graceSec: 0,
};
const license: LicenseState = { status: 'active', licenseId: 'lic', customerId: 'cust', terms, rev: 1 };
const command: RequestLease = {
  machineId: 'm1',
  keyThumbprint: 'k'.repeat(43),
  hostname: 'web-1',
  kernel,
  licenseId: 'lic',
  customerId: 'cust',
  license,
  otherMachines: 0,
  at,
};

const after = (state: MachineState, changed: Partial<RequestLease> = {}) => {
  const decision = decideLease({ ...command, ...changed }, state);
  return { decision, state: decision.facts.filter(isMachineFact).reduce(evolveMachine, state) };
};
const codes = (decision: ReturnType<typeof decideLease>) =>
  'refused' in decision ? decision.refused.map((reason) => reason.code) : 'granted';

/** When a lease ends that begins half a day before the licence's end. */
const ends = (graceSec: number) => {
  const { decision } = after(initialMachine(), {
    at: new Date('2026-11-30T12:00:00.500Z'),
    license: { ...license, terms: { ...terms, graceSec } },
  });
  return 'granted' in decision ? decision.granted.expiresAt : codes(decision);
};

describe('a request for a lease', () => {
  it('enrols the machine and grants seven days, in one commit', () => {
    const { decision } = after(initialMachine());
    const lease = {
      machineId: 'm1',
      leaseId: expect.stringMatching(/^[0-9a-f]{20}$/),
      licenseId: 'lic',
      kernel,
      tier: 'early',
      expiresAt: '2026-11-30T10:00:00.000Z',
    };
    const enrolled = {
      machineId: 'm1',
      licenseId: 'lic',
      customerId: 'cust',
      hostname: 'web-1',
      keyThumbprint: command.keyThumbprint,
      kernel,
    };
    expect(decision).toEqual({
      granted: lease,
      facts: [
        { type: 'MachineEnrolled', data: enrolled },
        { type: 'LeaseGranted', data: lease },
      ],
    });
  });

  it('gives the same lease again until half of it is gone', () => {
    const endless: LicenseState = { ...license, terms: { ...terms, expiresAt: undefined } };
    const first = after(initialMachine(), { license: endless });
    const soon = after(first.state, { license: endless, at: days(3) });
    expect(soon.decision).toEqual({ granted: first.state.lease, facts: [] });
    const later = after(first.state, { license: endless, at: days(3.75) });
    expect(later.decision.facts.map((one) => one.type)).toEqual(['LeaseGranted']);
    expect(later.state.lease?.expiresAt).toBe(days(10.75).toISOString());
  });

  it('follows a licence to its end, and never gives a lease that has ended', () => {
    const first = after(initialMachine());
    const licenseEnd = '2026-12-01T00:00:00.000Z';
    const second = after(first.state, { at: days(6.9) });
    expect(second.state.lease?.expiresAt).toBe(licenseEnd);
    const third = after(second.state, { at: days(7.5) });
    expect(third.decision).toEqual({ granted: second.state.lease, facts: [] });
    expect(after(first.state, { at: days(7.01) }).state.lease?.expiresAt).toBe(licenseEnd);
    expect(codes(after(third.state, { at: new Date(licenseEnd) }).decision)).toEqual(['license-expired']);
  });

  it('grants anew for another kernel, tier, licence or name', () => {
    const { state } = after(initialMachine());
    const types = (changed: Partial<RequestLease>) => after(state, changed).decision.facts.map((one) => one.type);
    expect(types({ kernel: { ...kernel, buildId: 'cd'.repeat(20) } })).toEqual(['LeaseGranted']);
    expect(types({ license: { ...license, terms: { ...terms, tier: 'canary' } } })).toEqual(['LeaseGranted']);
    expect(types({ licenseId: 'lic2', license: { ...license, licenseId: 'lic2' } })).toEqual([
      'MachineEnrolled',
      'LeaseGranted',
    ]);
    expect(types({ hostname: 'web-2' })).toEqual(['MachineEnrolled', 'LeaseGranted']);
    expect(types({ hostname: undefined })).toEqual([]);
  });

  it('never outlives the licence and its grace', () => {
    expect(ends(0)).toBe('2026-12-01T00:00:00.000Z');
    expect(ends(3600)).toBe('2026-12-01T01:00:00.000Z');
    expect(ends(365 * 86_400)).toBe('2026-12-07T12:00:00.000Z');
  });

  it('is refused with every reason at once', () => {
    const { decision } = after(initialMachine(), {
      at: new Date('2027-01-01T00:00:00Z'),
      license: { ...license, status: 'revoked' },
      kernel: { ...kernel, distro: 'rhel' },
      otherMachines: 2,
    });
    expect(codes(decision)).toEqual(['license-revoked', 'license-expired', 'distro-not-covered', 'no-seat-left']);
    expect(decision.facts.map((one) => one.type)).toEqual(['LeaseRefused']);
  });

  it('is refused for a licence that the log does not know, or knows as somebody else’s', () => {
    expect(codes(after(initialMachine(), { license: { status: 'unknown' } }).decision)).toEqual(['license-unknown']);
    expect(codes(after(initialMachine(), { customerId: 'thief' }).decision)).toEqual(['license-unknown']);
  });

  it('needs a free seat, but a machine keeps the one it has', () => {
    const { state } = after(initialMachine(), { otherMachines: 1 });
    expect(codes(after(state, { otherMachines: 2, at: days(6) }).decision)).toBe('granted');
    expect(codes(after(initialMachine(), { otherMachines: 2 }).decision)).toEqual(['no-seat-left']);
  });

  it('records a refusal once while its reasons stay the same', () => {
    const first = after(initialMachine(), { otherMachines: 2 });
    const again = after(first.state, { otherMachines: 2 });
    expect(again.decision.facts).toEqual([]);
    expect(codes(again.decision)).toEqual(['no-seat-left']);
    const other = after(again.state, { license: { ...license, status: 'revoked' } });
    expect(other.decision.facts).toHaveLength(1);
    const granted = after(other.state);
    expect(granted.decision.facts.map((one) => one.type)).toEqual(['MachineEnrolled', 'LeaseGranted']);
    expect(after(granted.state, { license: { ...license, status: 'revoked' } }).decision.facts).toEqual([
      fact('LeaseRefused', { machineId: 'm1', reasons: [expect.objectContaining({ code: 'license-revoked' })] }),
    ]);
  });
});
