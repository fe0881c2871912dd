import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { CompactSign, GeneralSign } from 'jose';
import { publicJwkSchema, type TrustKeys, tokenTypes } from '#libs/contracts';
import type { TrustedKey } from './key.js';

/** A real key pair: the tests attack real signatures. */
export interface Signer {
  readonly privateKey: KeyObject;
  readonly key: TrustedKey;
}

export function newSigner(kid: string): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { privateKey, key: { ...publicJwkSchema.parse(publicKey.export({ format: 'jwk' })), kid } };
}

export const bundleSigners = [newSigner('bundle-1'), newSigner('bundle-2'), newSigner('bundle-3')] as const;
export const licenseSigner = newSigner('license-1');
export const leaseSigner = newSigner('lease-1');

export const keys: TrustKeys = {
  schema: 1,
  bundleThreshold: 2,
  bundle: bundleSigners.map((signer) => signer.key),
  license: [licenseSigner.key],
  lease: [leaseSigner.key],
};

/** Signs any claims, with any header over the usual one. */
export async function signToken(signer: Signer, typ: string, claims: object, header: object = {}): Promise<string> {
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'EdDSA', typ, kid: signer.key.kid, ...header })
    .sign(signer.privateKey);
}

/** A part of a JWS: JSON in base64url. */
export const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token with any header and signature, genuine or not. */
export function forgeToken(header: object, claims: object, sign: (input: string) => string): string {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${sign(input)}`;
}

/** Signs a manifest as its bytes stand: general JWS, payload embedded. */
export async function signManifest(
  bytes: Uint8Array,
  signers: readonly Signer[],
  header: object = {},
): Promise<{ payload?: string; signatures: { protected: string; signature: string }[] }> {
  const jws = new GeneralSign(bytes);
  for (const { privateKey, key } of signers) {
    jws
      .addSignature(privateKey)
      .setProtectedHeader({ alg: 'EdDSA', typ: tokenTypes.bundle, kid: key.kid, ...header })
      .done();
  }
  const { payload, signatures } = await jws.sign();
  return {
    payload,
    signatures: signatures.map((one) => ({ protected: one.protected ?? '', signature: one.signature })),
  };
}
