import type { LicenseTerms, Tier } from '#libs/contracts';
import { LicensingRefusal } from './refusal.js';

/** What is sold, as data. */
interface Plan {
  /** `foreign`: every distribution but the vendor's own; `own`: that one alone. */
  readonly covers: 'foreign' | 'own' | 'any';
  /** How long it runs where nothing else is agreed; absent: without end. */
  readonly days?: number;
  /** Whether another end may be agreed. */
  readonly endAgreed: boolean;
  readonly defaultSeats: number;
  readonly maxSeats: number;
  /** How long after the end what is under way may still finish. */
  readonly graceSec: number;
}

export type PlanName = LicenseTerms['kind'];

export const plans: Readonly<Record<PlanName, Plan>> = {
  trial: { covers: 'foreign', days: 30, endAgreed: false, defaultSeats: 10, maxSeats: 1000, graceSec: 0 },
  subscription: {
    covers: 'any',
    days: 365,
    endAgreed: true,
    defaultSeats: 10,
    maxSeats: 1_000_000,
    graceSec: 7 * 86_400,
  },
  perpetual: { covers: 'own', endAgreed: false, defaultSeats: 1_000_000, maxSeats: 1_000_000, graceSec: 0 },
};

/** What is asked for. Time and the vendor's own distribution are data. */
export interface TermsRequest {
  readonly distro: string;
  /** The vendor's own distribution. */
  readonly ownDistro: string;
  /** ISO 8601: when the licence begins. */
  readonly at: string;
  readonly tier?: Tier;
  readonly seats?: number;
  /** ISO 8601; only where the plan lets it be agreed. */
  readonly expiresAt?: string;
}

const dayMs = 86_400_000;

/**
 * The terms of a plan for one customer.
 * @throws LicensingRefusal `trial-not-needed`, `foreign-distribution`, `end-not-negotiable`, `ends-before-it-begins`,
 *   `too-many-seats`
 */
export function termsOf(kind: PlanName, request: TermsRequest): LicenseTerms {
  const plan = plans[kind];
  const own = request.distro === request.ownDistro;
  if (plan.covers === 'foreign' && own) {
    throw new LicensingRefusal(
      'trial-not-needed',
      `${request.distro} is served without limit and needs no trial`,
      'distro',
    );
  }
  if (plan.covers === 'own' && !own) {
    throw new LicensingRefusal(
      'foreign-distribution',
      `${request.distro} is not the vendor's own distribution`,
      'distro',
    );
  }
  const seats = request.seats ?? plan.defaultSeats;
  if (seats > plan.maxSeats) {
    throw new LicensingRefusal('too-many-seats', `a ${kind} covers at most ${plan.maxSeats} machines`, 'seats');
  }
  const expiresAt = endOf(kind, plan, request);
  return {
    kind,
    distros: [request.distro],
    tier: request.tier ?? 'stable',
    seats,
    notBefore: request.at,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    graceSec: plan.graceSec,
  };
}

function endOf(kind: PlanName, plan: Plan, { at, expiresAt }: TermsRequest): string | undefined {
  if (expiresAt !== undefined) {
    if (!plan.endAgreed) {
      throw new LicensingRefusal('end-not-negotiable', `the plan says when a ${kind} ends`, 'expiresAt');
    }
    if (Date.parse(expiresAt) <= Date.parse(at)) {
      throw new LicensingRefusal('ends-before-it-begins', `${expiresAt} is not after ${at}`, 'expiresAt');
    }
    return expiresAt;
  }
  return plan.days === undefined ? undefined : new Date(Date.parse(at) + plan.days * dayMs).toISOString();
}
