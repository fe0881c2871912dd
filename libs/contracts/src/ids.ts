import { createHash } from 'node:crypto';
import { z } from 'zod';

/** A lower-case SHA-256 in hex: names every blob. Bytes never travel in events, only their digests. */
export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'a lower-case SHA-256 in hex');
export type Digest = z.infer<typeof digestSchema>;

/** A git object id (SHA-1, hex): names a source tree or a commit in the tree store. */
export const gitIdSchema = z.string().regex(/^[0-9a-f]{40}$/, 'a git object id');
export type GitId = z.infer<typeof gitIdSchema>;

/**
 * An aggregate's id. It is one token of a NATS subject, a path segment and a URL segment at once, so it may hold none of
 * their separators: no dot, no slash, no wildcard.
 */
export const aggregateIdSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'lower-case letters, digits and dashes');
export type AggregateId = z.infer<typeof aggregateIdSchema>;

/** The SHA-256 of some bytes, in hex. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * An id that follows from what it names, so that the same command given twice names the same aggregate: the first 20 hex
 * digits (80 bits) of the SHA-256 over the parts, each preceded by its length.
 */
export function derivedId(...parts: readonly string[]): AggregateId {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`);
  return hash.digest('hex').slice(0, 20);
}
