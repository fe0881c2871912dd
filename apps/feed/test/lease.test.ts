import { fact, type LicenseTerms } from '#libs/contracts';
import type { KnownLicense, LicenseState, Standing } from '#libs/licensing';
import { decideLease, type RequestLease } from '../src/domain/lease.js';
import { evolveMachine, initialMachine, isMachineFact, type MachineState } from '../src/domain/machine.js';

const at = new Date('2026-11-23T10:00:00.000Z');
const hintUser = `U${'A'.repeat(55)}`;
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
const untouched = { extraDays: 0, transfers: [] };
const license: KnownLicense = { status: 'active', licenseId: 'lic', customerId: 'cust', terms, rev: 1, ...untouched };
/** So many others have a seat, and this machine none. */
const seats = (otherMachines: number): Standing => ({
  seated: false,
  otherMachines,
  enrolmentsToday: 0,
  reinstalls: 0,
});
const command: RequestLease = {
  machineId: 'm1',
  keyThumbprint: 'k'.repeat(43),
  hintUser,
  hostname: 'web-1',
  kernel,
  registers: true,
  licenseId: 'lic',
  customerId: 'cust',
  license,
  standing: seats(0),
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
      hintUser,
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
      standing: seats(2),
    });
    expect(codes(decision)).toEqual(['license-revoked', 'license-expired', 'distro-not-covered', 'no-seat-left']);
    expect(decision.facts.map((one) => one.type)).toEqual(['LeaseRefused']);
  });

  it('is refused for a licence that the log does not know, or knows as somebody else’s', () => {
    expect(codes(after(initialMachine(), { license: { status: 'unknown' } }).decision)).toEqual(['license-unknown']);
    expect(codes(after(initialMachine(), { customerId: 'thief' }).decision)).toEqual(['license-unknown']);
  });

  it('is refused with a token from before the licence went to another customer', () => {
    const transferred: KnownLicense = { ...license, customerId: 'other', transfers: [at.toISOString()] };
    expect(codes(after(initialMachine(), { license: transferred }).decision)).toEqual(['license-transferred']);
  });

  it('lasts as long as the licence lets a machine do without the service, and is not made anew at every request', () => {
    const aDay: KnownLicense = { ...license, terms: { ...terms, offlineMaxSec: 86_400 } };
    const first = after(initialMachine(), { license: aDay });
    expect(first.state.lease?.expiresAt).toBe(days(1).toISOString());
    expect(after(first.state, { license: aDay, at: days(0.4) }).decision.facts).toEqual([]);
    expect(after(first.state, { license: aDay, at: days(0.6) }).state.lease?.expiresAt).toBe(days(1.6).toISOString());
  });

  it('enrols anew on other hardware, and a displaced installation is told so', () => {
    const { state } = after(initialMachine(), { hardware: 'h'.repeat(43) });
    expect(state.enrolment?.hardware).toBe('h'.repeat(43));
    const moved = after(state, { hardware: 'i'.repeat(43) });
    expect(moved.decision.facts.map((one) => one.type)).toEqual(['MachineEnrolled', 'LeaseGranted']);
    const displaced = { ...seats(0), seated: true, displacedBy: 'm2' };
    expect(codes(after(state, { hardware: 'h'.repeat(43), standing: displaced }).decision)).toEqual([
      'hardware-enrolled-again',
    ]);
  });

  it('is refused to a copy of the machine until somebody registers it as the machine', () => {
    const { state } = after(initialMachine(), { hardware: 'h'.repeat(43) });
    const copy = { hardware: 'i'.repeat(43), standing: { ...seats(0), elsewhere: true }, registers: false };
    const asked = after(state, copy);
    expect(codes(asked.decision)).toEqual(['machine-cloned']);
    // What is enrolled stays the machine that was registered.
    expect(asked.state.enrolment).toEqual(state.enrolment);
    const registered = after(asked.state, { ...copy, registers: true });
    expect(registered.decision.facts.map((one) => one.type)).toEqual(['MachineEnrolled', 'LeaseGranted']);
  });

  it('needs a free seat, but a machine keeps the one it has', () => {
    const { state } = after(initialMachine(), { standing: seats(1) });
    expect(codes(after(state, { standing: { ...seats(2), seated: true }, at: days(6) }).decision)).toBe('granted');
    expect(codes(after(initialMachine(), { standing: seats(2) }).decision)).toEqual(['no-seat-left']);
  });

  it('records a refusal once while its reasons stay the same', () => {
    const first = after(initialMachine(), { standing: seats(2) });
    const again = after(first.state, { standing: seats(2) });
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

describe('a machine whose seat was freed', () => {
  const released = fact('MachineReleased', { machineId: 'm1', licenseId: 'lic', reason: 'moved' });
  const freed = () => [released].reduce(evolveMachine, after(initialMachine()).state);
  const standing: Standing = { ...seats(0), released: true };

  it('is refused when it only asks on, and takes a seat when it is registered again', () => {
    const asked = after(freed(), { standing, registers: false });
    expect(codes(asked.decision)).toEqual(['machine-released']);
    const { decision } = after(asked.state, { standing });
    expect(decision.facts.map(({ type }) => type)).toEqual(['MachineEnrolled', 'LeaseGranted']);
  });

  it('is registered again only while a seat is free', () =>
    expect(codes(after(freed(), { standing: { ...standing, otherMachines: terms.seats } }).decision)).toEqual([
      'no-seat-left',
    ]));

  it('never comes back once it is retired', () => {
    const state = [released, fact('MachineRetired', { machineId: 'm1', reason: 'stolen' })].reduce(
      evolveMachine,
      after(initialMachine()).state,
    );
    const { decision } = after(state, { standing: { ...standing, retired: true } });
    expect(codes(decision)).toEqual(['machine-retired']);
  });
});
