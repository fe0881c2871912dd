import { tokenTypes } from '#libs/contracts';
import { licenseClaimsOf } from '#libs/trust';
import { at, knock, license, openStand, publicBytes, stand, stranger, those, unsigned } from './doors.fixture.js';
import { days, running } from './feed.fixture.js';
import { signed } from './sign.fixture.js';

/*
 * Every kind of licence that must not be taken, at every door that takes one: what is answered is a problem document with the right
 * status, it is counted, and neither the answer nor the service's log has a stack or anything of the token in it.
 */

openStand();

/** A licence as it was issued, with changes. */
function licensed(changed: object = {}, terms: object = {}): object {
  const claims = licenseClaimsOf(
    {
      licenseId: license,
      customerId: `customer-of-${license}`,
      rev: 1,
      terms: {
        kind: 'trial',
        distros: ['debian'],
        tier: 'stable',
        seats: 10,
        notBefore: new Date(at.getTime() - days(1)).toISOString(),
        expiresAt: new Date(at.getTime() + days(29)).toISOString(),
        graceSec: 0,
      },
    },
    at.toISOString(),
  );
  return { ...claims, ...changed, lic: { ...claims.lic, ...terms } };
}
const licenseHead = { typ: tokenTypes.license, kid: 'license' };
const signLicense = (claims: object, header: object = {}): Promise<string> =>
  signed(stand.under.sign.license, claims, { ...licenseHead, ...header });

/** What is no licence, and why there is no lease then. */
const badLicenses: Readonly<Record<string, [() => Promise<string> | string, string]>> = {
  nonsense: [() => 'a.b.c', 'license-malformed-token'],
  'signed by another key': [() => signed(stranger, licensed(), licenseHead), 'license-bad-signature'],
  'signed by the key of leases': [
    () => signed(stand.under.sign.lease, licensed(), { ...licenseHead, kid: 'lease' }),
    'license-unknown-key',
  ],
  'alg none': [() => unsigned('none', licenseHead, licensed()), 'license-wrong-algorithm'],
  'HS256 with the public key': [
    () => unsigned('HS256', licenseHead, licensed(), publicBytes(stand.under.sign.license)),
    'license-wrong-algorithm',
  ],
  'a lease': [() => stand.machine.lease ?? '', 'license-wrong-typ'],
  'for another audience': [() => signLicense(licensed({ aud: 'splicecast-feed' })), 'license-wrong-audience'],
  'of another issuer': [() => signLicense(licensed({ iss: 'another' })), 'license-wrong-issuer'],
  'genuine, of a licence that the log has not': [() => signLicense(licensed({}, { id: 'lic-9' })), 'license-unknown'],
  'genuine, of another customer’s licence': [() => signLicense(licensed({ sub: 'somebody' })), 'license-unknown'],
};

/** The token of a subscription that begins and ends so many ms from now. */
const subscription = (licenseId: string, notBefore: number, expiresAt: number): Promise<string> =>
  stand.under.license(licenseId, {
    // A machine has one trial only.
    kind: 'subscription',
    notBefore: new Date(at.getTime() + notBefore).toISOString(),
    expiresAt: new Date(at.getTime() + expiresAt).toISOString(),
  });

describe.each(those((door) => door.license))('%s', (_name, door) => {
  it.each(Object.entries(badLicenses))('is shut to a licence that is %s', async (_what, [forge, code]) => {
    const shown = await forge();
    const body = { license: shown, kernel: running };
    expect(await knock(door, { body, secrets: [shown] })).toBe(`403 lease-refused ${code}`);
  });

  it('goes by the terms of the log, whatever the token says: not before its beginning, nor from its end on', async () => {
    const name = door.own === undefined ? 'e' : 'r';
    for (const [shown, expected] of [
      [await subscription(`${name}-early`, 1_000, days(30)), '403 lease-refused license-not-yet-valid'],
      [await subscription(`${name}-begun`, 0, days(30)), door.own === undefined ? '201' : '200'],
      [await subscription(`${name}-over`, -days(30), 0), '403 lease-refused license-expired'],
      [await subscription(`${name}-last`, -days(30), 1_000), door.own === undefined ? '201' : '200'],
    ] as const) {
      const body = { license: shown, kernel: running };
      expect(await knock(door, { body, secrets: [shown] })).toBe(expected);
    }
    await stand.machine.enrol(stand.token);
  });

  it('is shut to what was revoked', async () => {
    const id = `gone-${door.own === undefined ? 'e' : 'r'}`;
    const shown = await stand.under.license(id, { kind: 'subscription' });
    await stand.under.revoke(id);
    const body = { license: shown, kernel: running };
    expect(await knock(door, { body, secrets: [shown] })).toBe('403 lease-refused license-revoked');
  });
});
