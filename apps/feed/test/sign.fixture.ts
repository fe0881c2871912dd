import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { CompactSign } from 'jose';
import { type EventData, type PublicJwk, publicJwkSchema, tokenTypes, type TrustKeys } from '#libs/contracts';
import { type Lease, leaseClaimsOf, licenseClaimsOf } from '#libs/trust';

/** A real key pair. */
export interface Signer {
  readonly privateKey: KeyObject;
  readonly jwk: PublicJwk;
}

export function newKey(): Signer {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, jwk: publicJwkSchema.parse(createPublicKey(privateKey).export({ format: 'jwk' })) };
}

/** Real keys in the place of sign, which this stage may not know. */
export class TestSign {
  readonly license = newKey();
  readonly lease = newKey();
  private readonly bundle = newKey();

  readonly keys: TrustKeys = {
    schema: 1,
    bundleThreshold: 1,
    bundle: [{ ...this.bundle.jwk, kid: 'bundle' }],
    license: [{ ...this.license.jwk, kid: 'license' }],
    lease: [{ ...this.lease.jwk, kid: 'lease' }],
  };

  licenseToken(license: EventData<'TrialIssued'>): Promise<string> {
    const claims = licenseClaimsOf(license, license.terms.notBefore);
    return signed(this.license, claims, { typ: tokenTypes.license, kid: 'license' });
  }

  leaseToken(lease: Lease, issuedAt: Date): Promise<string> {
    const claims = leaseClaimsOf(lease, issuedAt.toISOString());
    return signed(this.lease, claims, { typ: tokenTypes.lease, kid: 'lease' });
  }
}

/** Any claims, with any header, signed by any key. */
export function signed(key: Signer, claims: object, header: object): Promise<string> {
  const jws = new CompactSign(Buffer.from(JSON.stringify(claims)));
  return jws.setProtectedHeader({ alg: 'EdDSA', ...header }).sign(key.privateKey);
}
