import { createHash, type KeyObject, randomBytes } from 'node:crypto';
import { CompactSign } from 'jose';
import { z } from 'zod';
import { type AggregateId, type PublicJwk, publicJwkSchema, tokenTypes } from '#libs/contracts';
import { TrustError } from './errors.js';
import { namesOf } from './key.js';
import { decodeHeader, parseClaims, publicKeyOf, verifyCompact } from './token.js';

/** The header that carries it. */
export const proofHeader = 'splicecast-proof';

/** How far a proof's time may be from the verifier's, each way: machines' clocks are wrong. */
export const proofWindowMs = 5 * 60 * 1000;

/** A proof is about 500 characters. The path is in it, so a path is bounded too. */
const maxProofLength = 4096;

const headerSchema = z.strictObject({
  alg: z.literal('EdDSA'),
  typ: z.literal(tokenTypes.proof),
  jwk: z.strictObject(publicJwkSchema.shape),
});

const claimsSchema = z.strictObject({
  /** Method, in capitals. */
  htm: z.string().max(16),
  /** Path with its query. */
  htu: z.string().max(2048),
  iat: z.number().int(),
  /** Unique for each request. */
  jti: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/),
  /** base64url SHA-256 of the body's bytes; absent if there is no body. */
  bdh: z.string().length(43).optional(),
});

/** A request, as both sides see it. */
export interface ProvenRequest {
  readonly method: string;
  /** As in the request line: path with its query, nothing decoded. */
  readonly path: string;
  /** The body's bytes; empty if there is none. */
  readonly body: Uint8Array;
  /** The maker's or the verifier's time. */
  readonly at: Date;
}

/** Proves that a request is made now, by the holder of the key. @returns the value of the header `Splicecast-Proof`. */
export async function makeProof(
  request: ProvenRequest & { readonly privateKey: KeyObject; readonly publicJwk: PublicJwk },
): Promise<string> {
  const { kty, crv, x } = request.publicJwk;
  const claims: z.infer<typeof claimsSchema> = {
    htm: request.method.toUpperCase(),
    htu: request.path,
    iat: Math.floor(request.at.getTime() / 1000),
    jti: randomBytes(16).toString('base64url'),
    ...(request.body.length === 0 ? {} : { bdh: bodyHash(request.body) }),
  };
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'EdDSA', typ: tokenTypes.proof, jwk: { kty, crv, x } })
    .sign(request.privateKey);
}

export interface Proof {
  readonly jwk: PublicJwk;
  /** Whose request it is. */
  readonly machineId: AggregateId;
  readonly keyThumbprint: string;
  /** Remember it for twice `proofWindowMs`: shown again in that time it is a replay. */
  readonly jti: string;
}

/**
 * Checks that a request was made by the holder of the key in the proof, for this method, path and body, within five minutes.
 * That it isn't a replay is for the one to see who remembers.
 * @throws TrustError
 */
export async function verifyProof(proof: string, request: ProvenRequest): Promise<Proof> {
  if (proof.length > maxProofLength) throw new TrustError('malformed-token', 'the proof is too long');
  const key = keyIn(proof);
  const payload = verifyCompact(proof, key.publicKey);
  remember(proof, key);
  const claims = parseClaims(payload, claimsSchema);
  if (claims.htm !== request.method.toUpperCase() || claims.htu !== request.path) {
    throw new TrustError('wrong-request', 'the proof was made for another method or path');
  }
  if ((claims.bdh ?? emptyHash) !== (request.body.length === 0 ? emptyHash : bodyHash(request.body))) {
    throw new TrustError('wrong-request', 'the proof was made for another body');
  }
  if (Math.abs(claims.iat * 1000 - request.at.getTime()) > proofWindowMs) {
    throw new TrustError('stale-proof', 'the proof’s time is more than five minutes off: is the clock right?');
  }
  return { jwk: key.jwk, ...key.names, jti: claims.jti };
}

/** What a proof's header says: the same text in each of a machine's proofs. */
interface ProofKey {
  readonly jwk: PublicJwk;
  readonly names: ReturnType<typeof namesOf>;
  readonly publicKey: KeyObject;
}

/** Keys of proofs that were good, by their header's text: a check-in spends half of its time on reading its key. Some 3 kB each. */
const maxKnownKeys = 8_192;
const knownKeys = new Map<string, ProofKey>();

function keyIn(proof: string): ProofKey {
  const text = proof.slice(0, Math.max(0, proof.indexOf('.')));
  const known = knownKeys.get(text);
  if (known !== undefined) return known;
  const header = decodeHeader(proof);
  if (header['alg'] !== 'EdDSA') throw new TrustError('wrong-algorithm', 'only EdDSA is accepted');
  if (header['typ'] !== tokenTypes.proof) throw new TrustError('wrong-typ', `this is no ${tokenTypes.proof}`);
  const parsed = headerSchema.safeParse(header);
  if (!parsed.success) throw new TrustError('malformed-token', 'the proof has a strange header');
  const { jwk } = parsed.data;
  return { jwk, names: namesOf(jwk), publicKey: publicKeyOf(jwk) };
}

/** Not before the key has signed something: to fill this with others' keys takes their signatures. */
function remember(proof: string, key: ProofKey): void {
  const text = proof.slice(0, proof.indexOf('.'));
  if (knownKeys.has(text)) return;
  const [oldest] = knownKeys.keys();
  if (knownKeys.size >= maxKnownKeys && oldest !== undefined) knownKeys.delete(oldest);
  knownKeys.set(text, key);
}

function bodyHash(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('base64url');
}

const emptyHash = bodyHash(new Uint8Array());
