import { z } from 'zod';
import { aggregateIdSchema } from '../ids.js';
import { tierSchema } from './bundle.js';

const seconds = z.number().int().nonnegative();

/**
 * A keyed digest of what identifies somebody or something outside (an organisation, a machine's hardware): base64url of an
 * HMAC-SHA-256. Equal marks are the same thing; without the service's pepper nobody can say which.
 */
export const markSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
export type Mark = z.infer<typeof markSchema>;

export const customerRegistered = z.object({
  customerId: aggregateIdSchema,
  name: z.string().min(1).max(200),
  email: z.email().max(320).optional(),
  /** The organisation that it belongs to: customers of one share its trials. */
  organisation: markSchema.optional(),
});

/** An architecture as `uname -m` says it, e.g. `x86_64`. */
export const archSchema = z.string().regex(/^[a-z0-9_]{1,32}$/);

/** A distribution's major release: `VERSION_ID` of os-release(5) up to the first point. */
export const majorSchema = z.string().regex(/^[A-Za-z0-9_-]{1,16}$/);

/** What a licence allows. Times are data (ISO 8601), never read from a clock by a decider. */
export const licenseTermsSchema = z.object({
  kind: z.enum(['trial', 'subscription', 'perpetual']),
  /** Distributions that it covers. */
  distros: z.array(aggregateIdSchema).min(1).max(16),
  /** Major releases of these distributions (`12`, `9`) that it covers; absent: all. */
  majors: z.array(majorSchema).min(1).max(64).optional(),
  /** Architectures that it covers; absent: all. */
  arches: z.array(archSchema).min(1).max(16).optional(),
  tier: tierSchema,
  /** How many machines may be enrolled with it. */
  seats: z.number().int().min(1).max(1_000_000),
  notBefore: z.iso.datetime(),
  /** Absent: without end. */
  expiresAt: z.iso.datetime().optional(),
  /** How long after the end what is under way may still finish. */
  graceSec: seconds,
  /** How long a lease may run, and so how long a machine gets on without the service; absent: as long as any lease. */
  offlineMaxSec: seconds.optional(),
});
export type LicenseTerms = z.infer<typeof licenseTermsSchema>;

const issued = z.object({
  licenseId: aggregateIdSchema,
  customerId: aggregateIdSchema,
  terms: licenseTermsSchema,
  /** Counts up with every change of the terms. */
  rev: z.number().int().min(1),
});

/** It goes on with other terms: a new period, more days for a reason, another tier or other seats. */
export const licenseRenewed = z.object({
  licenseId: aggregateIdSchema,
  terms: licenseTermsSchema,
  rev: z.number().int().min(2),
  /** Days that were given on top of the plan. */
  extraDays: z.number().int().min(1).max(366).optional(),
  /** Why, where it wasn't a renewal. */
  reason: z.string().min(1).max(1024).optional(),
});

/** It is another customer's from now on. */
export const licenseTransferred = z.object({
  licenseId: aggregateIdSchema,
  from: aggregateIdSchema,
  customerId: aggregateIdSchema,
  rev: z.number().int().min(2),
  /** ISO 8601: transfers are counted by the year. */
  transferredAt: z.iso.datetime(),
  reason: z.string().min(1).max(1024),
});

export const licenseRevoked = z.object({ licenseId: aggregateIdSchema, reason: z.string().min(1).max(1024) });

export const customerEvents = { CustomerRegistered: customerRegistered } as const;

export const licenseEvents = {
  /** 30 days on a foreign distribution. */
  TrialIssued: issued,
  /** Paid, or `perpetual`: without end on the vendor's own distribution. */
  SubscriptionActivated: issued,
  LicenseRenewed: licenseRenewed,
  LicenseTransferred: licenseTransferred,
  LicenseRevoked: licenseRevoked,
} as const;
