import { createHash } from 'node:crypto';
import { TufError } from '../errors.js';
import { canonicalBytes, fileBytes } from '../metadata/canonical.js';
import type { JsonObject } from '../metadata/json.js';
import type { Signer } from '../keys/signer.js';

/** The statement of a role that is about to be signed: what its type adds to version and date. */
export interface Statement {
  readonly type: 'root' | 'timestamp' | 'snapshot' | 'targets';
  readonly version: number;
  readonly expiresMs: number;
  readonly content: JsonObject;
}

/** The members that are signed (4.2). */
export function signedPart({ type, version, expiresMs, content }: Statement): JsonObject {
  const expires = `${new Date(expiresMs).toISOString().slice(0, 19)}Z`;
  return { _type: type, spec_version: '1.0.34', version, expires, ...content };
}

/**
 * Signs with every signer that is given, each key once, and writes the file in canonical form, which is also the shortest.
 * @throws TufError `threshold-not-met`: metadata that nobody would accept is never published.
 */
export async function signStatement(
  signed: JsonObject,
  signers: readonly Signer[],
  threshold: number,
): Promise<Buffer> {
  const distinct = [...new Map(signers.map((signer) => [signer.keyId, signer])).values()];
  if (distinct.length < threshold) {
    throw new TufError('threshold-not-met', `${distinct.length} of the ${threshold} keys that must sign are here`);
  }
  const payload = canonicalBytes(signed);
  const signatures = await Promise.all(
    distinct.map(async (signer) => ({ keyid: signer.keyId, sig: (await signer.sign(payload)).toString('hex') })),
  );
  return fileBytes({ signed, signatures });
}

/** Length and digest of a file, as the role above it names them. */
export function describe(bytes: Uint8Array): { length: number; hashes: { sha256: string } } {
  return { length: bytes.length, hashes: { sha256: createHash('sha256').update(bytes).digest('hex') } };
}
