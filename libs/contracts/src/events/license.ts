import { z } from 'zod';
import { aggregateIdSchema } from '../ids.js';
import { tierSchema } from './bundle.js';

const seconds = z.number().int().nonnegative();

export const customerRegistered = z.object({
  customerId: aggregateIdSchema,
  name: z.string().min(1).max(200),
  email: z.email().max(320).optional(),
});

/** What a licence allows. Times are data (ISO 8601), never read from a clock by a decider. */
export const licenseTermsSchema = z.object({
  kind: z.enum(['trial', 'subscription', 'perpetual']),
  /** Distributions that it covers. */
  distros: z.array(aggregateIdSchema).min(1).max(16),
  tier: tierSchema,
  /** How many machines may be enrolled with it. */
  seats: z.number().int().min(1).max(1_000_000),
  notBefore: z.iso.datetime(),
  /** Absent: without end. */
  expiresAt: z.iso.datetime().optional(),
  /** How long after the end what is under way may still finish. */
  graceSec: seconds,
});
export type LicenseTerms = z.infer<typeof licenseTermsSchema>;

const issued = z.object({
  licenseId: aggregateIdSchema,
  customerId: aggregateIdSchema,
  terms: licenseTermsSchema,
  /** Counts up with every change of the terms. */
  rev: z.number().int().min(1),
});

export const licenseRevoked = z.object({ licenseId: aggregateIdSchema, reason: z.string().min(1).max(1024) });

export const customerEvents = { CustomerRegistered: customerRegistered } as const;

export const licenseEvents = {
  /** 30 days on a foreign distribution. */
  TrialIssued: issued,
  /** Paid, or `perpetual`: without end on the vendor's own distribution. */
  SubscriptionActivated: issued,
  LicenseRevoked: licenseRevoked,
} as const;
