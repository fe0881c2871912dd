import type { LicenseTerms, Tier } from '#libs/contracts';
import { LicensingRefusal } from './refusal.js';

/** What is sold, as data. */
interface Plan {
  /** `foreign`: every distribution but the vendor's own; `own`: that one alone. */
  readonly covers: 'foreign' | 'own' | 'any';
  /** How long it runs where nothing else is agreed; absent: without end. */
  readonly days?: number;
  /** Whether another end may be agreed, and the licence be renewed for a further period. */
  readonly endAgreed: boolean;
  /** How many days may be given on top, for a reason, in all. */
  readonly maxExtraDays: number;
  readonly defaultSeats: number;
  readonly maxSeats: number;
  /** How long after the end what is under way may still finish. */
  readonly graceSec: number;
  /** How often a year it may go to another customer. */
  readonly transfersPerYear: number;
  /** Whether hardware that has had one of these may have another on the same distribution. */
  readonly oncePerMachine: boolean;
  /** How often one machine's hardware may come back under a new key within 30 days: a new installation, or a copy. */
  readonly reinstallsPerMonth: number;
  /** How many machines may enrol within a day, as a multiple of its seats, and as a number for small licences. */
  readonly enrolmentsPerDay: { readonly perSeat: number; readonly atLeast: number };
}

export type PlanName = LicenseTerms['kind'];

const velocity = { reinstallsPerMonth: 5, enrolmentsPerDay: { perSeat: 2, atLeast: 20 } };

export const plans: Readonly<Record<PlanName, Plan>> = {
  trial: {
    covers: 'foreign',
    days: 30,
    endAgreed: false,
    maxExtraDays: 60,
    defaultSeats: 10,
    maxSeats: 1000,
    graceSec: 0,
    transfersPerYear: 0,
    oncePerMachine: true,
    ...velocity,
  },
  subscription: {
    covers: 'any',
    days: 365,
    endAgreed: true,
    maxExtraDays: 366,
    defaultSeats: 10,
    maxSeats: 1_000_000,
    graceSec: 7 * 86_400,
    transfersPerYear: 2,
    oncePerMachine: false,
    ...velocity,
  },
  perpetual: {
    covers: 'own',
    endAgreed: false,
    maxExtraDays: 0,
    defaultSeats: 1_000_000,
    maxSeats: 1_000_000,
    graceSec: 0,
    transfersPerYear: 2,
    oncePerMachine: false,
    ...velocity,
  },
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
  readonly majors?: readonly string[];
  readonly arches?: readonly string[];
  readonly offlineMaxSec?: number;
  /** ISO 8601; only where the plan lets it be agreed. */
  readonly expiresAt?: string;
}

export const dayMs = 86_400_000;

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
  checkSeats(kind, seats);
  const { majors, arches, offlineMaxSec } = request;
  const expiresAt = endOf(kind, request);
  return {
    kind,
    distros: [request.distro],
    ...(majors === undefined ? {} : { majors: [...majors] }),
    ...(arches === undefined ? {} : { arches: [...arches] }),
    tier: request.tier ?? 'stable',
    seats,
    notBefore: request.at,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    graceSec: plan.graceSec,
    ...(offlineMaxSec === undefined ? {} : { offlineMaxSec }),
  };
}

/** @throws LicensingRefusal `too-many-seats` */
export function checkSeats(kind: PlanName, seats: number | undefined): void {
  const { maxSeats } = plans[kind];
  if (seats === undefined || seats <= maxSeats) return;
  throw new LicensingRefusal('too-many-seats', `a ${kind} covers at most ${maxSeats} machines`, 'seats');
}

/**
 * When a period that begins at `at` ends under a plan; undefined: never.
 * @throws LicensingRefusal `end-not-negotiable`, `ends-before-it-begins`
 */
export function endOf(
  kind: PlanName,
  { at, expiresAt }: { readonly at: string; readonly expiresAt?: string },
): string | undefined {
  const plan = plans[kind];
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
