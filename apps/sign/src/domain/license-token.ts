import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { aggregateIdSchema, licenseTermsSchema } from '#libs/contracts';
import type { RecordedEvent } from '#libs/eventstore';
import { isLicenseFact, licenseFrom as foldLicense, type LicenseState } from '#libs/licensing';
import { type LicenseClaims, licenseClaimsOf } from '#libs/trust';
import { SignRefusal } from './refusal.js';

/** `sign.license`. `issuedAt` is what the caller believes; the token says what the log says. */
export const licenseTokenRequestSchema = z.object({
  licenseId: aggregateIdSchema,
  customerId: aggregateIdSchema,
  terms: licenseTermsSchema,
  rev: z.number().int().min(1),
  issuedAt: z.iso.datetime().optional(),
});
export type LicenseTokenRequest = z.infer<typeof licenseTokenRequestSchema>;

/**
 * The claims of a licence's token: those of the licence's stream, and only if they are what the caller asks for. Asked again,
 * they are the same.
 * @throws SignRefusal `not-in-log`, `license-revoked`.
 */
export function licenseClaims(request: LicenseTokenRequest, stream: readonly RecordedEvent[]): LicenseClaims {
  const license = licenseFrom(stream);
  if (license.status === 'unknown') throw new SignRefusal('not-in-log', `there is no licence ${request.licenseId}`);
  const { licenseId, customerId, terms, rev } = license;
  const asked = {
    licenseId: request.licenseId,
    customerId: request.customerId,
    terms: request.terms,
    rev: request.rev,
  };
  if (!isDeepStrictEqual(asked, { licenseId, customerId, terms, rev })) {
    throw new SignRefusal('not-in-log', `licence ${licenseId} has other terms than those to be signed`);
  }
  if (license.status === 'revoked') throw new SignRefusal('license-revoked', `licence ${licenseId} was revoked`);
  const issued = stream.findLast(({ fact }) => isLicenseFact(fact) && fact.type !== 'LicenseRevoked');
  return licenseClaimsOf(license, issued?.envelope.at ?? terms.notBefore);
}

/** Folds a licence's stream. */
export function licenseFrom(stream: readonly RecordedEvent[]): LicenseState {
  return foldLicense(stream.map((event) => event.fact));
}
