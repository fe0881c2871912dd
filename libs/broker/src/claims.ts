import { createHash, type KeyObject, sign } from 'node:crypto';
import { base32, nkeyOf } from './nkey.js';

/** What a token of NATS says, beside who made it (nats-io/jwt v2). Times are seconds since 1970. */
export interface Claims {
  readonly name: string;
  /** Whom it is about, by its nkey. */
  readonly sub: string;
  readonly iat: number;
  readonly exp?: number;
  readonly nats: Readonly<Record<string, unknown>> & { readonly type: 'operator' | 'account' | 'user' };
}

/** Signs a token: a JWT in all but `alg`, which NATS calls `ed25519-nkey`. */
export function signClaims(claims: Claims, issuer: { readonly kind: 'operator' | 'account'; key: KeyObject }): string {
  const { nats, ...registered } = claims;
  const body = { ...registered, iss: nkeyOf(issuer.kind, issuer.key), nats: { ...nats, version: 2 } };
  const jti = base32(createHash('sha512-256').update(JSON.stringify(body)).digest());
  const signed = [
    { typ: 'JWT', alg: 'ed25519-nkey' },
    { jti, ...body },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${sign(null, Buffer.from(signed), issuer.key).toString('base64url')}`;
}
