import type { LicenseTerms } from '#libs/contracts';
import { refusals, Seating } from './index.js';

const day = (n: number) => new Date(Date.UTC(2026, 0, 1 + n));
const hardware = 'h'.repeat(43);
const terms = (kind: LicenseTerms['kind'], seats = 2): LicenseTerms => ({
  kind,
  distros: ['debian'],
  tier: 'stable',
  seats,
  notBefore: day(0).toISOString(),
  graceSec: 0,
});
const known = new Map([
  ['trial-1', terms('trial')],
  ['trial-2', terms('trial')],
  ['rhel-trial', { ...terms('trial'), distros: ['rhel'] }],
  ['sub', terms('subscription')],
]);

/** Seats after some enrolments: machine, licence, day, hardware. */
function seating(...enrolments: readonly [string, string, number, string?][]) {
  const seating = new Seating();
  for (const [machineId, licenseId, n, hardware] of enrolments) {
    seating.enrol({ machineId, licenseId, ...(hardware === undefined ? {} : { hardware }) }, day(n).toISOString());
  }
  return {
    of: (machineId: string, licenseId: string, n = 1, hardware?: string) =>
      seating.standing({ machineId, ...(hardware === undefined ? {} : { hardware }) }, licenseId, day(n), (id) =>
        known.get(id),
      ),
    codes: (machineId: string, licenseId: string, n = 1, hardware?: string) => {
      const standing = seating.standing(
        { machineId, ...(hardware === undefined ? {} : { hardware }) },
        licenseId,
        day(n),
        (id) => known.get(id),
      );
      const license = { status: 'active', licenseId, terms: known.get(licenseId) ?? terms('subscription') } as const;
      return refusals(license, { kernel: { distro: 'debian' }, standing, at: day(n) }).map(({ code }) => code);
    },
  };
}

describe('seats', () => {
  it('are taken once a machine, whatever it says of its hardware', () => {
    const two = seating(['a', 'sub', 0], ['b', 'sub', 0, hardware]);
    expect(two.of('a', 'sub')).toMatchObject({ seated: true, otherMachines: 1 });
    expect(two.of('c', 'sub')).toMatchObject({ seated: false, otherMachines: 2 });
    expect(two.codes('c', 'sub')).toEqual(['no-seat-left']);
    expect(two.codes('a', 'sub')).toEqual([]);
  });

  it('are given up by a machine that enrols with another licence', () => {
    const moved = seating(['a', 'sub', 0], ['b', 'sub', 0], ['a', 'trial-1', 1]);
    expect(moved.codes('c', 'sub')).toEqual([]);
  });

  it('go to the newest installation on the same hardware, and the one before has none', () => {
    const again = seating(['a', 'sub', 0, hardware], ['b', 'sub', 0], ['a2', 'sub', 1, hardware]);
    expect(again.of('a2', 'sub')).toMatchObject({ seated: true, otherMachines: 1, reinstalls: 1 });
    expect(again.codes('a2', 'sub')).toEqual([]);
    expect(again.codes('a', 'sub')).toEqual(['hardware-enrolled-again']);
    // It need not tell its hardware again to be recognised.
    expect(again.of('a', 'sub').displacedBy).toBe('a2');
  });
});

/** Both seats are taken. */
const full = (): ReturnType<typeof seating> => seating(['a', 'sub', 0, hardware], ['b', 'sub', 0]);

describe('one key on two machines', () => {
  const other = 'i'.repeat(43);
  it('is a copy: the one that shows other hardware than was registered', () => {
    expect(full().of('a', 'sub', 1, other)).toMatchObject({ elsewhere: true });
    expect(full().codes('a', 'sub', 1, other)).toEqual(['machine-cloned']);
    // With whatever licence it asks; and who says nothing of hardware is no copy.
    expect(full().codes('a', 'trial-1', 1, other)).toEqual(['machine-cloned']);
    for (const told of [hardware, undefined]) expect(full().codes('a', 'sub', 1, told)).toEqual([]);
  });

  it('takes its own seat along where it is registered again, and no other', () => {
    expect(full().of('a', 'sub', 1, other)).toMatchObject({ seated: false, otherMachines: 1 });
    const moved = seating(['a', 'sub', 0, hardware], ['b', 'sub', 0], ['a', 'sub', 1, other]);
    expect(moved.codes('a', 'sub', 1, other)).toEqual([]);
    expect(moved.codes('a', 'sub', 1, hardware)).toEqual(['machine-cloned']);
    expect(moved.codes('c', 'sub')).toEqual(['no-seat-left']);
  });

  it('goes to and fro no more often than new machines come', () => {
    const toAndFro = Array.from({ length: 20 }, (_, n): [string, string, number, string] => [
      'a',
      'sub',
      1,
      n % 2 === 0 ? hardware : other,
    ]);
    expect(seating(...toAndFro).codes('a', 'sub', 1.5, hardware)).toContain('too-many-enrolments');
  });
});

describe('a trial', () => {
  it('is had once on a machine for a distribution, under whichever key', () => {
    const had = seating(['a', 'trial-1', 0, hardware]);
    expect(had.codes('a', 'trial-1', 1, hardware)).toEqual([]);
    expect(had.codes('new', 'trial-2', 90, hardware)).toEqual(['trial-used-on-machine']);
    expect(had.codes('new', 'sub', 90, hardware)).toEqual([]);
    expect(had.codes('new', 'trial-2', 90, 'i'.repeat(43))).toEqual([]);
  });

  it('on one distribution leaves another’s open', () =>
    expect(seating(['a', 'rhel-trial', 0, hardware]).codes('b', 'trial-1', 1, hardware)).toEqual([]));
});

describe('velocity', () => {
  it('bounds how many machines enrol within a day', () => {
    const many = Array.from({ length: 20 }, (_, n): [string, string, number] => [`m${n}`, 'sub', 1]);
    const all = seating(...many);
    expect(all.codes('late', 'sub', 1.5)).toEqual(['no-seat-left', 'too-many-enrolments']);
    expect(all.codes('late', 'sub', 2.5)).toEqual(['no-seat-left']);
    expect(all.codes('m3', 'sub', 1.5)).toEqual([]);
  });

  it('bounds how often one hardware comes back under another key: copies of one virtual machine', () => {
    const copies = Array.from({ length: 6 }, (_, n): [string, string, number, string] => [`m${n}`, 'sub', n, hardware]);
    const all = seating(...copies);
    expect(all.codes('m6', 'sub', 6, hardware)).toEqual(['too-many-reinstalls']);
    expect(all.codes('m6', 'sub', 40, hardware)).toEqual([]);
  });
});

const freed = (free: (seating: Seating) => void) => {
  const seats = new Seating();
  const enrol = (machineId: string, n = 0) =>
    seats.enrol({ machineId, licenseId: 'sub', hardware: machineId[0]?.repeat(43) }, day(n).toISOString());
  enrol('a');
  enrol('b');
  free(seats);
  const of = (machineId: string) =>
    seats.standing({ machineId, hardware: machineId[0]?.repeat(43) }, 'sub', day(0.9), (id) => known.get(id));
  return { of, enrol };
};

describe('a seat that an operator freed', () => {
  it('is another’s to take, and its machine knows', () => {
    const { of } = freed((seats) => seats.release('a'));
    expect(of('c')).toMatchObject({ seated: false, otherMachines: 1 });
    expect(of('a')).toMatchObject({ seated: false, otherMachines: 1, released: true });
    expect(of('b')).not.toHaveProperty('released');
  });

  it('is taken again by a new registration, which counts like a new machine', () => {
    const { of, enrol } = freed((seats) => seats.release('a'));
    enrol('a', 0.5);
    expect(of('a')).toMatchObject({ seated: true, enrolmentsToday: 3 });
    expect(of('a')).not.toHaveProperty('released');
  });

  it('leaves the seat alone that a later installation on the hardware has', () => {
    const { of, enrol } = freed((seats) => {
      seats.enrol({ machineId: 'a2', licenseId: 'sub', hardware: 'a'.repeat(43) }, day(0).toISOString());
      seats.release('a');
    });
    expect(of('a2')).toMatchObject({ seated: true, otherMachines: 1 });
    expect(of('a')).toMatchObject({ displacedBy: 'a2' });
    enrol('c');
    expect(of('c')).toMatchObject({ otherMachines: 2 });
  });

  it('is never its own again once it is retired', () => {
    const { of } = freed((seats) => seats.retire('a'));
    expect(of('a')).toMatchObject({ seated: false, retired: true });
    expect(of('c').otherMachines).toBe(1);
  });
});
