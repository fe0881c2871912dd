import type { LicenseTerms, Reason, RunningKernel, Tier } from '#libs/contracts';
import { refusals } from './rules.js';

/** What is asked for: a kernel of a distribution, and what has climbed to a tier (any, if absent). */
export interface Wanted {
  readonly distro: RunningKernel['distro'];
  readonly major?: RunningKernel['major'];
  readonly arch?: string;
  readonly tier?: Tier;
}

export type Entitlement =
  { readonly entitled: true } | { readonly entitled: false; readonly reasons: readonly [Reason, ...Reason[]] };

/**
 * Whether a licence lets a machine have something new now. It decides on new bundles alone: what is applied stays applied
 * whatever the answer (see `effectOn`).
 * @param revoked whether the licence was revoked
 * @param at now: time is data
 * @returns every reason at once, by the codes of `rules` that need no knowledge of the machine's enrolment
 */
export function entitlement(terms: LicenseTerms, revoked: boolean, wanted: Wanted, at: Date): Entitlement {
  const { tier, ...kernel } = wanted;
  const license = { status: revoked ? 'revoked' : 'active', licenseId: '', terms } as const;
  const [first, ...rest] = refusals(license, { kernel, ...(tier === undefined ? {} : { tier }), at });
  return first === undefined ? { entitled: true } : { entitled: false, reasons: [first, ...rest] };
}
