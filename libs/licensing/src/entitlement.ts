import type { LicenseTerms, Reason, Tier } from '#libs/contracts';
import { tierReceives } from './tier.js';

/** What is asked for: a kernel of a distribution, and what has climbed to a tier (any, if absent). */
export interface Wanted {
  readonly distro: string;
  readonly tier?: Tier;
}

export type Entitlement =
  { readonly entitled: true } | { readonly entitled: false; readonly reasons: readonly [Reason, ...Reason[]] };

/**
 * Whether a licence lets a machine have something new now. It decides on new bundles alone: what is applied stays applied
 * whatever the answer (see `effectOn`).
 * @param revoked whether the licence was revoked
 * @param at now: time is data
 * @returns every reason at once, with the codes `license-revoked`, `license-not-yet-valid`, `license-expired`,
 *   `distro-not-covered`, `tier-not-covered`
 */
export function entitlement(terms: LicenseTerms, revoked: boolean, wanted: Wanted, at: Date): Entitlement {
  const reasons: Reason[] = [];
  if (revoked) reasons.push({ code: 'license-revoked', reason: 'the licence was revoked' });
  if (at.getTime() < Date.parse(terms.notBefore)) {
    reasons.push({ code: 'license-not-yet-valid', reason: `the licence begins at ${terms.notBefore}` });
  }
  if (at.getTime() >= endMs(terms)) {
    reasons.push({
      code: 'license-expired',
      reason: `the licence ended at ${terms.expiresAt} with ${terms.graceSec} s of grace`,
      advice: 'what is applied stays applied; new bundles need a new licence',
    });
  }
  if (!terms.distros.includes(wanted.distro)) {
    reasons.push({
      code: 'distro-not-covered',
      reason: `the licence covers ${terms.distros.join(', ')}, not ${wanted.distro}`,
    });
  }
  if (wanted.tier !== undefined && !tierReceives(terms.tier, wanted.tier)) {
    reasons.push({
      code: 'tier-not-covered',
      reason: `the licence covers what has reached ${terms.tier}, not ${wanted.tier}`,
    });
  }
  const [first, ...rest] = reasons;
  return first === undefined ? { entitled: true } : { entitled: false, reasons: [first, ...rest] };
}

/** The moment from which nothing new is served: the end with its grace. */
function endMs(terms: LicenseTerms): number {
  return terms.expiresAt === undefined ? Infinity : Date.parse(terms.expiresAt) + terms.graceSec * 1000;
}
