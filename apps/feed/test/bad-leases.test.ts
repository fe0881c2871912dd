import { tokenTypes } from '#libs/contracts';
import { leaseClaimsOf, type Lease } from '#libs/trust';
import {
  at,
  type Door,
  doors,
  knock,
  license,
  openStand,
  publicBytes,
  segment,
  stand,
  stranger,
  those,
  unsigned,
} from './doors.fixture.js';
import { days, running } from './feed.fixture.js';
import { signed } from './sign.fixture.js';

/*
 * Every kind of lease that must not be taken, at every door that takes one: what is answered is a problem document with the right
 * status, it is counted, and neither the answer nor the service's log has a stack or anything of the token in it.
 */

openStand();

/** The machine's lease as sign would grant it, with changes. */
const lease = (changed: Partial<Lease> = {}, claims: object = {}, issuedAt = at): object => ({
  ...leaseClaimsOf(
    {
      leaseId: 'lease-x',
      machineId: stand.machine.id,
      licenseId: license,
      rev: 1,
      kernel: running,
      tier: 'stable',
      keyThumbprint: stand.machine.keyThumbprint,
      expiresAt: new Date(at.getTime() + days(1)).toISOString(),
      ...changed,
    },
    issuedAt.toISOString(),
  ),
  ...claims,
});
const head = { typ: tokenTypes.lease, kid: 'lease' };
const seconds = (ms: number): number => Math.floor((at.getTime() + ms) / 1000);
const bySign = (claims: object, header: object = {}): Promise<string> =>
  signed(stand.under.sign.lease, claims, { ...head, ...header });

/** What is no lease that holds. */
const badLeases: Readonly<Record<string, [() => Promise<string> | string, string]>> = {
  nonsense: [() => 'a.b.c', '401 lease-malformed-token'],
  'signed by another key': [() => signed(stranger, lease(), head), '401 lease-bad-signature'],
  'signed by the machine itself': [() => signed(stand.machine.key, lease(), head), '401 lease-bad-signature'],
  'signed by a key that signs licences': [
    () => signed(stand.under.sign.license, lease(), { ...head, kid: 'license' }),
    '401 lease-unknown-key',
  ],
  'changed after it was signed': [
    async () => {
      const [header, , signature] = (await bySign(lease())).split('.');
      return [header, segment(lease({ tier: 'canary' })), signature].join('.');
    },
    '401 lease-bad-signature',
  ],
  'alg none': [() => unsigned('none', head, lease()), '401 lease-wrong-algorithm'],
  'HS256 with the public key': [
    () => unsigned('HS256', head, lease(), publicBytes(stand.under.sign.lease)),
    '401 lease-wrong-algorithm',
  ],
  'a licence': [() => stand.token, '401 lease-wrong-typ'],
  'with a key of its own in the header': [
    () => bySign(lease(), { jwk: stand.machine.key.jwk }),
    '401 lease-malformed-token',
  ],
  'for another audience': [() => bySign(lease({}, { aud: 'splicecast-enrolment' })), '403 lease-wrong-audience'],
  'of another issuer': [() => bySign(lease({}, { iss: 'another' })), '401 lease-wrong-issuer'],
  'without an end': [() => bySign(lease({}, { exp: undefined })), '401 lease-malformed-token'],
  'not valid yet': [() => bySign(lease({}, { nbf: seconds(61_000) })), '401 lease-not-yet-valid'],
  'another machine’s': [() => stand.other.lease ?? '', '403 lease-wrong-subject'],
  'bound to another key': [() => bySign(lease({ keyThumbprint: stand.other.keyThumbprint })), '403 lease-wrong-key'],
};

describe.each(those((door) => door.lease))('%s', (_name, door) => {
  it.each(Object.entries(badLeases))('is shut to a lease that is %s', async (_what, [forge, expected]) => {
    expect(await knock(door, { lease: await forge() })).toBe(expected);
  });

  it('takes a lease of a clock that runs a minute ahead', async () => {
    expect(await knock(door, { lease: await bySign(lease({}, { nbf: seconds(60_000) })) })).toBe('200');
  });
});

describe.each(those((door) => door.lease === 'needed'))('%s', (_name, door) => {
  it('is open until the lease’s last moment', async () => {
    const ends = await bySign(lease({ expiresAt: new Date(at.getTime() + 60_000).toISOString() }));
    for (const [afterMs, expected] of [
      [59_999, '200'],
      [60_000, '401 lease-expired'],
    ] as const) {
      stand.under.clock.fixed = new Date(at.getTime() + afterMs);
      expect(await knock(door, { lease: ends })).toBe(expected);
    }
    expect(await knock(door, { lease: '' })).toBe('401 lease-missing');
  });

  it('is shut to a lease of another licence than the machine has, and to what is for another kernel', async () => {
    expect(await knock(door, { lease: await bySign(lease({ licenseId: 'lic-2' })) })).toBe(
      '403 not-entitled license-changed',
    );
    const elsewhere = { ...running, buildId: 'cd'.repeat(20) };
    expect(await knock(door, { lease: await bySign(lease({ kernel: elsewhere })) })).toBe('403 not-entitled');
  });
});

it('what was shown before a revocation is of no use after it, wherever it is shown', async () => {
  const shown = stand.machine.lease ?? '';
  expect(await knock(doors['reports'] as Door)).toMatch(/^20/);
  await stand.under.revoke(license);
  for (const [, door] of those((one) => one.lease)) {
    const nothing = door.lease === 'needed' ? '403 not-entitled license-revoked' : '200';
    expect(await knock(door, { lease: shown })).toBe(nothing);
  }
  // What it had fetched is told of still, and nothing else.
  expect(await stand.machine.offered()).toEqual(['b1']);
});
