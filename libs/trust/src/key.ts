import { createHash } from 'node:crypto';
import { type AggregateId, type PublicJwk, publicJwkSchema, type TrustKeys } from '#libs/contracts';
import { TrustError } from './errors.js';

/** A public key with its id. */
export type TrustedKey = TrustKeys['bundle'][number];

/**
 * RFC 7638 thumbprint (SHA-256, base64url) of an Ed25519 public key.
 * @throws TrustError `malformed-token` for a key that isn't written canonically.
 */
export function thumbprintOf(key: PublicJwk): string {
  return thumbprintHash(key).toString('base64url');
}

/**
 * A machine's id: the first 20 bytes of its key's thumbprint, as hex. Whoever holds the key is the machine: there is nothing to
 * steal from the server, and an id can't be chosen.
 * @throws TrustError `malformed-token`.
 */
export function machineIdOf(key: PublicJwk): AggregateId {
  return thumbprintHash(key).subarray(0, 20).toString('hex');
}

/** Both of a key's names at the price of one. @throws TrustError `malformed-token`. */
export function namesOf(key: PublicJwk): { readonly machineId: AggregateId; readonly keyThumbprint: string } {
  const hash = thumbprintHash(key);
  return { machineId: hash.subarray(0, 20).toString('hex'), keyThumbprint: hash.toString('base64url') };
}

function thumbprintHash(key: PublicJwk): Buffer {
  const { kty, crv, x } = canonicalKey(key);
  return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest();
}

/** The public members alone. 43 characters of base64url hold 2 bits too many: one key must not pass as four. */
function canonicalKey(key: PublicJwk): PublicJwk {
  const { kty, crv, x } = publicJwkSchema.parse(key);
  if (Buffer.from(x, 'base64url').toString('base64url') !== x) {
    throw new TrustError('malformed-token', 'the key is not written canonically');
  }
  return { kty, crv, x };
}
