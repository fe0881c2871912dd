import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { CompactSign, GeneralSign } from 'jose';
import { statementMediaType } from '#libs/bundle';
import { publicJwkSchema, tokenTypes, type TrustKeys } from '#libs/contracts';
import {
  encodeEnvelope,
  type LeaseClaims,
  type LicenseClaims,
  preAuthEncoding,
  thumbprintOf,
  type TrustedKey,
} from '#libs/trust';
import { Keyring, type ManifestSignature } from '../ports.js';
import type { KeyMaterial } from './service-keys.js';

interface HeldKey {
  readonly privateKey: KeyObject;
  readonly public: TrustedKey;
}

/** Signs with Ed25519 keys held in memory. */
export class JoseKeyring extends Keyring {
  readonly #bundle: readonly HeldKey[];
  readonly #license: HeldKey;
  readonly #lease: HeldKey;
  readonly #bundleThreshold: number;

  constructor(keys: KeyMaterial, bundleThreshold: number) {
    super();
    this.#bundle = keys.bundle.map((key) => held('bundle', key));
    this.#license = held('license', keys.license);
    this.#lease = held('lease', keys.lease);
    this.#bundleThreshold = bundleThreshold;
  }

  async signManifest(manifestBytes: Uint8Array): Promise<ManifestSignature> {
    const jws = new GeneralSign(manifestBytes);
    for (const key of this.#bundle) {
      jws.addSignature(key.privateKey).setProtectedHeader(headerOf(key, tokenTypes.bundle));
    }
    const { signatures } = await jws.sign();
    return { jws: JSON.stringify({ signatures }), keyIds: this.#bundle.map((key) => key.public.kid) };
  }

  async signStatement(statement: Uint8Array): Promise<Buffer> {
    const signed = preAuthEncoding(statementMediaType, statement);
    const signatures = this.#bundle.map((key) => ({
      keyid: key.public.kid,
      sig: sign(null, signed, key.privateKey),
    }));
    return encodeEnvelope(statementMediaType, statement, signatures);
  }

  signLicense(claims: LicenseClaims): Promise<string> {
    return signClaims(this.#license, tokenTypes.license, claims);
  }

  signLease(claims: LeaseClaims): Promise<string> {
    return signClaims(this.#lease, tokenTypes.lease, claims);
  }

  trustKeys(): TrustKeys {
    return {
      schema: 1,
      bundleThreshold: this.#bundleThreshold,
      bundle: this.#bundle.map((key) => key.public),
      license: [this.#license.public],
      lease: [this.#lease.public],
    };
  }
}

function held(role: 'bundle' | 'license' | 'lease', privateKey: KeyObject): HeldKey {
  const jwk = publicJwkSchema.parse(createPublicKey(privateKey).export({ format: 'jwk' }));
  return { privateKey, public: { ...jwk, kid: `${role}-${thumbprintOf(jwk).slice(0, 16)}` } };
}

const headerOf = (key: HeldKey, typ: string) => ({ alg: 'EdDSA', typ, kid: key.public.kid });

async function signClaims(key: HeldKey, typ: string, claims: object): Promise<string> {
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader(headerOf(key, typ))
    .sign(key.privateKey);
}
