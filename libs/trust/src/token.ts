import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { decodeProtectedHeader, errors, flattenedVerify } from 'jose';
import { z } from 'zod';
import type { PublicJwk } from '#libs/contracts';
import { TrustError } from './errors.js';
import type { TrustedKey } from './key.js';

/** `iss` of every token. */
export const issuer = 'splicecast';

/** How far a machine's clock may be behind the service's before a token that was just issued looks like one of the future. */
const notBeforeLeewaySec = 60;

/** Longest compact token that is looked at. */
const maxTokenLength = 8192;

const headerSchema = z.strictObject({ alg: z.literal('EdDSA'), typ: z.string(), kid: z.string().min(1).max(128) });

/** Claims that each token has. Times in seconds (RFC 7519). */
export const registeredClaims = {
  iss: z.string(),
  sub: z.string(),
  aud: z.string(),
  jti: z.string().min(1).max(128),
  iat: z.number().int(),
  nbf: z.number().int(),
  exp: z.number().int().optional(),
};

/**
 * Reads the header of a JWS before anything of it is trusted, and refuses what isn't expected: another algorithm (`none`, HS256
 * with the public key as the secret), a genuine token of another kind, and members that would change what is verified (`crit`,
 * `b64`, `jwk`, `jku`).
 * @returns the key id.
 * @throws TrustError `malformed-token`, `wrong-algorithm`, `wrong-typ`.
 */
export function checkHeader(token: string | { protected: string }, typ: string): string {
  const header = decodeHeader(token);
  if (header['alg'] !== 'EdDSA') throw new TrustError('wrong-algorithm', 'only EdDSA is accepted');
  if (header['typ'] !== typ) throw new TrustError('wrong-typ', `this is no ${typ}`);
  const parsed = headerSchema.safeParse(header);
  if (!parsed.success) throw new TrustError('malformed-token', `the ${typ} has a strange header`);
  return parsed.data.kid;
}

/** Decodes a header, unchecked. @throws TrustError `malformed-token`. */
export function decodeHeader(token: string | { protected: string }): Record<string, unknown> {
  try {
    return decodeProtectedHeader(token);
  } catch (cause) {
    throw new TrustError('malformed-token', 'the token has no readable header', { cause });
  }
}

/**
 * Opens a compact JWS: its kind, its key and its signature are right, and its claims have their shape, issuer and audience.
 * Says nothing about time.
 * @throws TrustError
 */
export async function openToken<T extends { iss: string; aud: string }>(
  token: string,
  expected: {
    readonly typ: string;
    readonly audience: string;
    readonly keys: readonly TrustedKey[];
    readonly claims: z.ZodType<T>;
  },
): Promise<T> {
  if (token.length > maxTokenLength) throw new TrustError('malformed-token', 'the token is too long');
  const kid = checkHeader(token, expected.typ);
  const key = expected.keys.find((candidate) => candidate.kid === kid);
  if (key === undefined) throw new TrustError('unknown-key', `no key ${JSON.stringify(kid)} may sign this`);
  const claims = parseClaims(verifyCompact(token, publicKeyOf(key)), expected.claims);
  if (claims.iss !== issuer) throw new TrustError('wrong-issuer', 'somebody else issued this token');
  if (claims.aud !== expected.audience) throw new TrustError('wrong-audience', 'the token is for another audience');
  return claims;
}

/**
 * Verifies an Ed25519 signature over a compact JWS whose header was checked before, so that nothing in it changes what is verified (RFC 7515
 * § 5.2, RFC 8037 § 3.1). One is verified at each check-in: jose's way through WebCrypto takes another thread and a dozen promises for it.
 * @returns the payload.
 * @throws TrustError `bad-signature`, `malformed-token`.
 */
export function verifyCompact(token: string, key: KeyObject): Uint8Array {
  const [header = '', payload = '', signature = '', ...more] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  // Buffer passes over what is no base64url, and over bits too many: one token must not be accepted in many spellings.
  const isCanonical = bytes.toString('base64url') === signature;
  if (more.length > 0 || !isCanonical || !/^[A-Za-z0-9_-]*$/.test(payload)) {
    throw new TrustError('malformed-token', 'the token can not be read');
  }
  if (!verify(null, Buffer.from(`${header}.${payload}`, 'latin1'), key, bytes)) {
    throw new TrustError('bad-signature', 'the signature is not over this by this key');
  }
  return Buffer.from(payload, 'base64url');
}

/** Reads an Ed25519 public key. @throws TrustError `malformed-token`. */
export function publicKeyOf(key: PublicJwk): KeyObject {
  try {
    return createPublicKey({ key: publicPart(key), format: 'jwk' });
  } catch (cause) {
    throw new TrustError('malformed-token', 'the key can not be read', { cause });
  }
}

/** Verifies one signature of a general JWS over `payload`. @throws TrustError `bad-signature`, `malformed-token`. */
export async function verifyDetached(
  signature: { readonly protected: string; readonly signature: string },
  payload: string,
  key: PublicJwk,
): Promise<void> {
  try {
    await flattenedVerify({ ...signature, payload }, publicPart(key), { algorithms: ['EdDSA'] });
  } catch (cause) {
    throw signatureError(cause);
  }
}

/** Parses a payload that was verified. @throws TrustError `malformed-token`. */
export function parseClaims<T>(payload: Uint8Array, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch (cause) {
    throw new TrustError('malformed-token', 'the claims are no JSON', { cause });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new TrustError('malformed-token', z.prettifyError(parsed.error));
  return parsed.data;
}

/** @throws TrustError `expired`, `not-yet-valid`. */
export function checkTimes(claims: { readonly nbf: number; readonly exp?: number }, at: Date): void {
  const now = at.getTime() / 1000;
  if (claims.exp !== undefined && now >= claims.exp) {
    throw new TrustError('expired', `it ended at ${isoOf(claims.exp)}`);
  }
  if (now + notBeforeLeewaySec < claims.nbf) {
    throw new TrustError('not-yet-valid', `it begins at ${isoOf(claims.nbf)}`);
  }
}

/** Seconds since 1970 of an ISO 8601 time, rounded down. */
export function secondsOf(iso: string): number {
  return Math.floor(Date.parse(iso) / 1000);
}

export function isoOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

const publicPart = ({ kty, crv, x }: PublicJwk): PublicJwk => ({ kty, crv, x });

function signatureError(cause: unknown): TrustError {
  if (cause instanceof errors.JWSSignatureVerificationFailed) {
    return new TrustError('bad-signature', 'the signature is not over this by this key', { cause });
  }
  return new TrustError('malformed-token', 'the token can not be read', { cause });
}
