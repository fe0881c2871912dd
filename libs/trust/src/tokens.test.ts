import { createHmac } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { type LicenseTerms, tokenTypes } from '#libs/contracts';
import {
  type Lease,
  leaseClaimsOf,
  type License,
  licenseClaimsOf,
  machineIdOf,
  openLicense,
  thumbprintOf,
  verifyLease,
  verifyLicense,
} from './index.js';
import { forgeToken, keys, leaseSigner, licenseSigner, newSigner, signToken } from './signer.fixture.js';

const failsWith = (code: string) => expect.objectContaining({ name: 'TrustError', code });
const issuedAt = '2026-11-23T10:00:00.000Z';
const at = new Date('2026-11-24T10:00:00.000Z');

const terms: LicenseTerms = {
  kind: 'trial',
  distros: ['debian'],
  tier: 'stable',
  seats: 3,
  notBefore: issuedAt,
  expiresAt: '2026-12-23T10:00:00.000Z',
  graceSec: 86_400,
};
const license: License = { licenseId: 'lic-1', customerId: 'cust-1', rev: 2, terms };
const claims = licenseClaimsOf(license, issuedAt);
const signLicense = (changed: object = {}, header: object = {}) =>
  signToken(licenseSigner, tokenTypes.license, { ...claims, ...changed }, header);

describe('a licence', () => {
  it('says what it was issued for', async () => {
    await expect(verifyLicense(await signLicense(), keys, at)).resolves.toEqual(license);
    const { expiresAt: _, ...endless } = terms;
    const perpetual = { ...license, terms: { ...endless, kind: 'perpetual' as const } };
    const token = await signToken(licenseSigner, tokenTypes.license, licenseClaimsOf(perpetual, issuedAt));
    await expect(verifyLicense(token, keys, new Date('2126-01-01'))).resolves.toEqual(perpetual);
  });

  it('holds from its beginning to its end, and can be read after it', async () => {
    const token = await signLicense();
    await expect(verifyLicense(token, keys, new Date('2026-12-23T09:59:59.999Z'))).resolves.toEqual(license);
    await expect(verifyLicense(token, keys, new Date('2026-12-23T10:00:00.000Z'))).rejects.toThrow(
      failsWith('expired'),
    );
    await expect(verifyLicense(token, keys, new Date('2026-11-23T09:58:00Z'))).rejects.toThrow(
      failsWith('not-yet-valid'),
    );
    await expect(openLicense(token, keys)).resolves.toEqual(license);
  });

  it('is refused when it was altered, or signed by another key', async () => {
    const token = await signLicense();
    const [header, , signature] = token.split('.');
    const more = { ...claims, lic: { ...claims.lic, seats: 1000 } };
    const altered = `${header}.${Buffer.from(JSON.stringify(more)).toString('base64url')}.${signature}`;
    await expect(openLicense(altered, keys)).rejects.toThrow(failsWith('bad-signature'));
    const forged = await signToken(newSigner('license-1'), tokenTypes.license, claims);
    await expect(openLicense(forged, keys)).rejects.toThrow(failsWith('bad-signature'));
    const unknown = await signToken(newSigner('license-9'), tokenTypes.license, claims);
    await expect(openLicense(unknown, keys)).rejects.toThrow(failsWith('unknown-key'));
  });

  it('is refused without a signature, or with the public key as an HMAC secret', async () => {
    const header = { typ: tokenTypes.license, kid: 'license-1' };
    const none = forgeToken({ ...header, alg: 'none' }, claims, () => '');
    await expect(openLicense(none, keys)).rejects.toThrow(failsWith('wrong-algorithm'));
    const secret = Buffer.from(licenseSigner.key.x, 'base64url');
    const hmac = forgeToken({ ...header, alg: 'HS256' }, claims, (input) =>
      createHmac('sha256', secret).update(input).digest('base64url'),
    );
    await expect(openLicense(hmac, keys)).rejects.toThrow(failsWith('wrong-algorithm'));
    const unsigned = forgeToken({ ...header, alg: 'EdDSA' }, claims, () => '');
    await expect(openLicense(unsigned, keys)).rejects.toThrow(failsWith('bad-signature'));
  });

  it('is refused as a token of another kind, for another audience or by another issuer', async () => {
    const lease = await signToken(licenseSigner, tokenTypes.lease, claims);
    await expect(openLicense(lease, keys)).rejects.toThrow(failsWith('wrong-typ'));
    await expect(openLicense(await signLicense({ aud: 'splicecast-feed' }), keys)).rejects.toThrow(
      failsWith('wrong-audience'),
    );
    await expect(openLicense(await signLicense({ iss: 'else' }), keys)).rejects.toThrow(failsWith('wrong-issuer'));
    const byLeaseKey = await signToken(leaseSigner, tokenTypes.license, claims);
    await expect(openLicense(byLeaseKey, keys)).rejects.toThrow(failsWith('unknown-key'));
  });

  it('is refused with a header that asks for more than we understand', async () => {
    for (const header of [{ jwk: licenseSigner.key }, { jku: 'https://evil.example' }, { x5c: [] }]) {
      await expect(openLicense(await signLicense({}, header), keys)).rejects.toThrow(failsWith('malformed-token'));
    }
  });

  it('is refused when it is malformed', async () => {
    for (const token of ['', 'a.b.c', '....', 'x'.repeat(9000), await signLicense({ lic: { id: 'x' } })]) {
      await expect(openLicense(token, keys)).rejects.toThrow(failsWith('malformed-token'));
    }
  });
});

const machine = newSigner('');
const holder = { machineId: machineIdOf(machine.key), keyThumbprint: thumbprintOf(machine.key) };
const lease: Lease = {
  leaseId: 'lease-1',
  ...holder,
  licenseId: 'lic-1',
  rev: 2,
  kernel: { distro: 'debian', arch: 'x86_64', release: '6.1.0-54-amd64', buildId: 'ab'.repeat(20) },
  tier: 'stable',
  expiresAt: '2026-11-30T10:00:00.000Z',
};
const signLease = (changed: object = {}) =>
  signToken(leaseSigner, tokenTypes.lease, { ...leaseClaimsOf(lease, issuedAt), ...changed });

describe('a lease', () => {
  it('says what it was granted for, until it ends', async () => {
    const token = await signLease();
    await expect(verifyLease(token, keys, holder, at)).resolves.toEqual(lease);
    await expect(verifyLease(token, keys, holder, new Date(lease.expiresAt))).rejects.toThrow(failsWith('expired'));
  });

  it('is worth nothing in other hands', async () => {
    const token = await signLease();
    const thief = newSigner('');
    const thiefs = { machineId: machineIdOf(thief.key), keyThumbprint: thumbprintOf(thief.key) };
    await expect(verifyLease(token, keys, thiefs, at)).rejects.toThrow(failsWith('wrong-subject'));
    const disguised = { ...holder, keyThumbprint: thiefs.keyThumbprint };
    await expect(verifyLease(token, keys, disguised, at)).rejects.toThrow(failsWith('wrong-key'));
  });

  it('is no licence, must end, and is for the feed', async () => {
    const asLicense = await signToken(leaseSigner, tokenTypes.license, leaseClaimsOf(lease, issuedAt));
    await expect(verifyLease(asLicense, keys, holder, at)).rejects.toThrow(failsWith('wrong-typ'));
    const endless = await signLease({ exp: undefined });
    await expect(verifyLease(endless, keys, holder, at)).rejects.toThrow(failsWith('malformed-token'));
    const elsewhere = await signLease({ aud: 'splicecast-enrolment' });
    await expect(verifyLease(elsewhere, keys, holder, at)).rejects.toThrow(failsWith('wrong-audience'));
  });
});

describe('a machine’s id', () => {
  it('is the thumbprint of RFC 8037 A.3', () => {
    const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const;
    expect(thumbprintOf(key)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
    const hex = Buffer.from('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k', 'base64url').toString('hex');
    expect(machineIdOf(key)).toBe(hex.slice(0, 40));
  });

  it('is what jose says, and one key has one', async () => {
    const { key } = newSigner('');
    expect(thumbprintOf(key)).toBe(await calculateJwkThumbprint(key));
    const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = base64url.indexOf(key.x.slice(-1));
    const alias = { ...key, x: key.x.slice(0, -1) + base64url[last + 1] };
    expect(Buffer.from(alias.x, 'base64url')).toEqual(Buffer.from(key.x, 'base64url'));
    expect(() => machineIdOf(alias)).toThrow(failsWith('malformed-token'));
  });
});
