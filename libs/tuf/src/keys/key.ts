import { constants, createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { canonicalBytes } from '../metadata/canonical.js';
import { asObject, asString, type Json, type JsonObject } from '../metadata/json.js';

type Scheme = 'ed25519' | 'ecdsa-sha2-nistp256' | 'rsassa-pss-sha256';

/** A key of the metadata. One of a scheme that isn't known here is kept, and never verifies anything. */
export interface PublicKey {
  readonly scheme: Scheme | 'unknown';
  /** SHA-256 of the key itself, whatever it is called: one key under two ids must not count as two. */
  readonly identity: string;
  readonly key: KeyObject | undefined;
}

/** DER of an Ed25519 SubjectPublicKeyInfo up to the 32 bytes of the key (RFC 8410). */
const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex');
const hex = /^(?:[0-9a-fA-F]{2})+$/;

/** Specification 4.2.2. @throws TufError `malformed-metadata` for what is no key object at all. */
export function parseKey(value: Json): PublicKey {
  const object = asObject(value, 'a key');
  const keyType = asString(object['keytype'], 'keytype', 64);
  const scheme = asString(object['scheme'], 'scheme', 64);
  const text = asString(asObject(object['keyval'], 'keyval')['public'], 'public', 8192);
  if (scheme === 'ed25519') return ed25519Key(keyType, text);
  const key = keyObject(keyType, scheme, text);
  if (key === undefined) return unknownKey(text);
  return { scheme: scheme as Scheme, identity: sha256(key.export({ type: 'spki', format: 'der' })), key };
}

/** A key's id: SHA-256 of its canonical form. */
export function keyIdOf(key: JsonObject): string {
  return sha256(canonicalBytes(key));
}

/** An Ed25519 public key as metadata carries it. */
export function ed25519KeyObject(key: KeyObject): JsonObject {
  const raw = Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
  return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: raw.toString('hex') } };
}

/** An ECDSA P-256 public key as metadata carries it. */
export function ecdsaKeyObject(key: KeyObject): JsonObject {
  const pem = key.export({ type: 'spki', format: 'pem' }).toString();
  return { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: pem } };
}

type Check = (payload: Buffer, key: KeyObject, signature: Buffer) => boolean;

const checks: Readonly<Record<Scheme, Check>> = {
  ed25519: (payload, key, signature) => verify(null, payload, key, signature),
  'ecdsa-sha2-nistp256': (payload, key, signature) => verify('sha256', payload, key, signature),
  'rsassa-pss-sha256': (payload, key, signature) =>
    verify('sha256', payload, { key, padding: constants.RSA_PKCS1_PSS_PADDING }, signature),
};

/** Whether the signature is the key's. Never throws: a signature that can't be read is not one. */
export function isSignedBy({ scheme, key }: PublicKey, payload: Buffer, sig: string): boolean {
  if (scheme === 'unknown' || key === undefined || !hex.test(sig)) return false;
  try {
    return checks[scheme](payload, key, Buffer.from(sig, 'hex'));
  } catch {
    return false;
  }
}

/** Nearly all keys are of this kind. OpenSSL takes ten times as long for the same bytes as an SPKI, so they go in as a JWK (RFC 8037). */
function ed25519Key(keyType: string, text: string): PublicKey {
  if (keyType !== 'ed25519' || !hex.test(text) || text.length !== 64) return unknownKey(text);
  const raw = Buffer.from(text, 'hex');
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') };
  return {
    scheme: 'ed25519',
    identity: sha256(Buffer.concat([ed25519Prefix, raw])),
    key: createPublicKey({ key: jwk, format: 'jwk' }),
  };
}

function unknownKey(text: string): PublicKey {
  return { scheme: 'unknown', identity: sha256(Buffer.from(text)), key: undefined };
}

/** The scheme decides how it is checked, so the key must be of exactly that kind: never the other way round. */
function keyObject(keyType: string, scheme: string, text: string): KeyObject | undefined {
  try {
    switch (scheme) {
      case 'ecdsa-sha2-nistp256': {
        const key = createPublicKey(text);
        const known = ['ecdsa', 'ecdsa-sha2-nistp256'].includes(keyType) && key.asymmetricKeyType === 'ec';
        return known && key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
      }
      case 'rsassa-pss-sha256': {
        const key = createPublicKey(text);
        const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
        return keyType === 'rsa' && key.asymmetricKeyType === 'rsa' && bits >= 2048 && bits <= 8192 ? key : undefined;
      }
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
