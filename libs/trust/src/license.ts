import { z } from 'zod';
import {
  aggregateIdSchema,
  archSchema,
  type LicenseTerms,
  licenseTermsSchema,
  majorSchema,
  tierSchema,
  tokenTypes,
  type TrustKeys,
} from '#libs/contracts';
import { checkTimes, isoOf, issuer, openToken, registeredClaims, secondsOf } from './token.js';

const audience = 'splicecast-enrolment';

/** Claims of a licence: what a customer holds, and shows to enrol machines. */
export const licenseClaimsSchema = z.object({
  ...registeredClaims,
  /** The customer. */
  sub: aggregateIdSchema,
  lic: z.object({
    id: aggregateIdSchema,
    rev: z.number().int().min(1),
    kind: licenseTermsSchema.shape.kind,
    distros: z
      .array(z.object({ id: aggregateIdSchema, majors: z.array(majorSchema).min(1).max(64).optional() }))
      .min(1)
      .max(16),
    /** Absent: all. */
    arches: z.array(archSchema).min(1).max(16).optional(),
    tier: tierSchema,
    seats: licenseTermsSchema.shape.seats,
    graceSec: licenseTermsSchema.shape.graceSec,
    offlineMaxSec: z.number().int().nonnegative().optional(),
  }),
});
export type LicenseClaims = z.infer<typeof licenseClaimsSchema>;

/** What a licence says, read. */
export interface License {
  readonly licenseId: string;
  readonly customerId: string;
  readonly rev: number;
  /** Times to the second. */
  readonly terms: LicenseTerms;
}

/** The claims that say it; the counterpart of `openLicense`. `issuedAt` is ISO 8601. */
export function licenseClaimsOf(license: License, issuedAt: string): LicenseClaims {
  const { licenseId, customerId, rev, terms } = license;
  return {
    iss: issuer,
    sub: customerId,
    aud: audience,
    jti: `${licenseId}.${rev}`,
    iat: secondsOf(issuedAt),
    nbf: secondsOf(terms.notBefore),
    ...(terms.expiresAt === undefined ? {} : { exp: secondsOf(terms.expiresAt) }),
    lic: {
      id: licenseId,
      rev,
      kind: terms.kind,
      distros: terms.distros.map((id) => ({ id, ...(terms.majors === undefined ? {} : { majors: terms.majors }) })),
      ...(terms.arches === undefined ? {} : { arches: terms.arches }),
      tier: terms.tier,
      seats: terms.seats,
      graceSec: terms.graceSec,
      ...(terms.offlineMaxSec === undefined ? {} : { offlineMaxSec: terms.offlineMaxSec }),
    },
  };
}

/**
 * Opens a licence that is genuine, whether or not it has begun or ended: its current terms may have been renewed since it was
 * handed out, which only the log knows.
 * @throws TrustError
 */
export async function openLicense(token: string, keys: TrustKeys): Promise<License> {
  return licenseOf(await openClaims(token, keys));
}

/** Opens a licence that is genuine and holds at `at`. @throws TrustError, `expired` and `not-yet-valid` among others. */
export async function verifyLicense(token: string, keys: TrustKeys, at: Date): Promise<License> {
  const claims = await openClaims(token, keys);
  checkTimes(claims, at);
  return licenseOf(claims);
}

function openClaims(token: string, keys: TrustKeys): Promise<LicenseClaims> {
  return openToken(token, { typ: tokenTypes.license, audience, keys: keys.license, claims: licenseClaimsSchema });
}

function licenseOf({ sub, nbf, exp, lic }: LicenseClaims): License {
  // A licence's majors count for each of its distributions.
  const majors = lic.distros[0]?.majors;
  return {
    licenseId: lic.id,
    customerId: sub,
    rev: lic.rev,
    terms: {
      kind: lic.kind,
      distros: lic.distros.map((distro) => distro.id),
      ...(majors === undefined ? {} : { majors }),
      ...(lic.arches === undefined ? {} : { arches: lic.arches }),
      tier: lic.tier,
      seats: lic.seats,
      notBefore: isoOf(nbf),
      ...(exp === undefined ? {} : { expiresAt: isoOf(exp) }),
      graceSec: lic.graceSec,
      ...(lic.offlineMaxSec === undefined ? {} : { offlineMaxSec: lic.offlineMaxSec }),
    },
  };
}
