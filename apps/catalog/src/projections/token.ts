import { z } from 'zod';
import { accessEvents, tokenIssued } from '#libs/contracts';
import { begun, folded, place } from './read-model.js';
import { placeShape, table } from './table.js';

const tokenSchema = z.object({
  ...tokenIssued.omit({ secretHash: true }).shape,
  /** Whether it has ended follows from `expiresAt` and the time. */
  state: z.enum(['active', 'revoked']),
  /** Until when the secret before the last rotation works. */
  previousUntil: z.iso.datetime().optional(),
  revokedReason: z.string().optional(),
  issuedAt: z.iso.datetime(),
  ...placeShape,
});

export const tokenTable = table('tokens', tokenSchema, ['tokenId'], ['firstPosition']);

export const tokens = folded(tokenTable, accessEvents, (fact) => fact.data.tokenId, {
  TokenIssued: (row, { secretHash: _secret, ...data }, seen) => ({
    ...data,
    state: 'active',
    issuedAt: seen.at,
    ...place(row, seen),
  }),
  TokenRotated: (row, { previousUntil }, seen) => ({
    ...begun(row, 'the token', seen),
    previousUntil,
    ...place(row, seen),
  }),
  TokenRevoked: (row, { reason }, seen) => ({
    ...begun(row, 'the token', seen),
    state: 'revoked',
    revokedReason: reason,
    ...place(row, seen),
  }),
});
