import { z } from 'zod';
import { aggregateIdSchema, digestSchema } from '../ids.js';
import { markSchema } from './license.js';

/** Who may do what on the operators' API: each may all that the ones before it may. */
export const roleSchema = z.enum(['viewer', 'operator', 'admin']);
export type Role = z.infer<typeof roleSchema>;

const tokenId = aggregateIdSchema;
/** SHA-256 of the token's secret, of which 256 bits are random: nothing in the log lets anybody in. */
const secretHash = digestSchema;

export const tokenIssued = z.object({
  tokenId,
  /** Whose it is, for people. */
  name: z.string().min(1).max(200),
  role: roleSchema,
  secretHash,
  /** Absent: without end. */
  expiresAt: z.iso.datetime().optional(),
});

/** It has a new secret; the one before works until `previousUntil`, so that whoever uses it can change over. */
export const tokenRotated = z.object({ tokenId, secretHash, previousUntil: z.iso.datetime() });

export const tokenRevoked = z.object({ tokenId, reason: z.string().min(1).max(1024) });

/** A call that may have changed something, or was refused for its role: who, what, and how it ended. Never its body. */
export const adminCalled = z.object({
  /** `root` for the token that the service itself was started with. */
  tokenId,
  role: roleSchema,
  method: z.string().max(16),
  /** The route, e.g. `/v1/licenses/:id/renewal`. */
  route: z.string().max(512),
  /** The path that was asked for, without its query. */
  path: z.string().max(512),
  status: z.number().int(),
  requestId: z.string().max(128),
  remote: z.string().max(64),
  /** The digest of the wish's name (`Idempotency-Key`), where there was one. */
  wish: z.string().max(64).optional(),
  /** A keyed digest of what was wished, so that the same name isn't taken for something else. */
  request: markSchema.optional(),
});

export const accessEvents = {
  TokenIssued: tokenIssued,
  TokenRotated: tokenRotated,
  TokenRevoked: tokenRevoked,
} as const;

export const auditEvents = { AdminCalled: adminCalled } as const;
