import { z } from 'zod';
import { aggregateIdSchema, type EventData, licenseEvents, licenseTermsSchema } from '#libs/contracts';
import { begun, folded, place, type Seen } from './read-model.js';
import { placeShape, table } from './table.js';

const licenseSchema = z.object({
  licenseId: aggregateIdSchema,
  customerId: aggregateIdSchema,
  /** Whether it has ended follows from `expiresAt` and the time. */
  state: z.enum(['active', 'revoked']),
  kind: licenseTermsSchema.shape.kind,
  terms: licenseTermsSchema,
  rev: z.int(),
  expiresAt: licenseTermsSchema.shape.expiresAt,
  revokedReason: z.string().optional(),
  issuedAt: z.iso.datetime(),
  ...placeShape,
});
type LicenseRow = z.infer<typeof licenseSchema>;

export const licenseTable = table('licenses', licenseSchema, ['licenseId'], ['firstPosition', 'customerId']);

const issued = (row: LicenseRow | undefined, data: EventData<'TrialIssued'>, seen: Seen): LicenseRow => ({
  ...data,
  state: 'active',
  kind: data.terms.kind,
  expiresAt: data.terms.expiresAt,
  issuedAt: seen.at,
  ...place(row, seen),
});

export const licenses = folded(licenseTable, licenseEvents, (fact) => fact.data.licenseId, {
  TrialIssued: issued,
  SubscriptionActivated: issued,
  LicenseRenewed: (row, { terms, rev }, seen) => ({
    ...begun(row, 'the licence', seen),
    terms,
    rev,
    expiresAt: terms.expiresAt,
    ...place(row, seen),
  }),
  LicenseTransferred: (row, { customerId, rev }, seen) => ({
    ...begun(row, 'the licence', seen),
    customerId,
    rev,
    ...place(row, seen),
  }),
  LicenseRevoked: (row, { reason }, seen) => ({
    ...begun(row, 'the licence', seen),
    state: 'revoked',
    revokedReason: reason,
    ...place(row, seen),
  }),
});
