import { isDeepStrictEqual } from 'node:util';
import { derivedId, type EventData, type Fact, fact, type LicenseTerms, type Tier } from '#libs/contracts';
import { checkSeats, dayMs, endOf, type PlanName, plans, type TermsRequest, termsOf } from './plans.js';
import { LicensingRefusal } from './refusal.js';

interface Grant extends TermsRequest {
  readonly licenseId: string;
  readonly customerId: string;
}

/** 30 days on a foreign distribution. Its id is `trialId(customerId, distro)`. */
export interface IssueTrial extends Grant {
  readonly type: 'IssueTrial';
  /** The stream's trial was issued by this very command (by its id): the caller asks again because it missed the answer. */
  readonly repeated?: boolean;
}

/** Paid for a time, or `perpetual`: without end on the vendor's own distribution. */
export interface ActivateSubscription extends Grant {
  readonly type: 'ActivateSubscription';
  readonly kind: Exclude<PlanName, 'trial'>;
}

/** A further period of what can be paid for. What was paid is never lost: it begins where the last one ends, or now. */
export interface RenewLicense {
  readonly type: 'RenewLicense';
  readonly licenseId: string;
  /** ISO 8601; by default the plan's own period. */
  readonly expiresAt?: string;
  readonly seats?: number;
  readonly at: string;
}

/** More days for a reason, a trial's too; bounded by the plan. */
export interface ExtendLicense {
  readonly type: 'ExtendLicense';
  readonly licenseId: string;
  readonly days: number;
  readonly reason: string;
}

/** Another tier, or another number of seats, without another end. Machines follow at their next lease. */
export interface AmendLicense {
  readonly type: 'AmendLicense';
  readonly licenseId: string;
  readonly tier?: Tier;
  readonly seats?: number;
  readonly reason: string;
}

export interface TransferLicense {
  readonly type: 'TransferLicense';
  readonly licenseId: string;
  /** The customer who gets it. */
  readonly customerId: string;
  readonly reason: string;
  readonly at: string;
}

export interface RevokeLicense {
  readonly type: 'RevokeLicense';
  readonly licenseId: string;
  readonly reason: string;
}

export type LicenseCommand =
  IssueTrial | ActivateSubscription | RenewLicense | ExtendLicense | AmendLicense | TransferLicense | RevokeLicense;

/** Every fact of a licence's stream. */
export const licenseFactTypes = [
  'TrialIssued',
  'SubscriptionActivated',
  'LicenseRenewed',
  'LicenseTransferred',
  'LicenseRevoked',
] as const;
export type LicenseFact = Fact<(typeof licenseFactTypes)[number]>;

export function isLicenseFact(fact: Fact): fact is LicenseFact {
  return licenseFactTypes.some((type) => type === fact.type);
}

export interface KnownLicense {
  readonly status: 'active' | 'revoked';
  readonly licenseId: string;
  readonly customerId: string;
  readonly terms: LicenseTerms;
  readonly rev: number;
  /** Days that were given on top of what the plan says. */
  readonly extraDays: number;
  /** When it went to another customer, ISO 8601. */
  readonly transfers: readonly string[];
}

export type LicenseState = { readonly status: 'unknown' } | KnownLicense;

export const initialLicense = (): LicenseState => ({ status: 'unknown' });

/**
 * The id of a trial on a distribution. There is only one, and that is the whole rule of one trial each: whoever asks again, for
 * whatever reason, asks for this same stream.
 * @param owner the organisation's mark, so that all of its customers share one; the customer's id where it names none
 */
export function trialId(owner: string, distro: string): string {
  return derivedId('trial', owner, distro);
}

/**
 * Decides on a licence. What was done already, asked for in the same words, decides nothing new.
 * @throws LicensingRefusal
 */
export function decideLicense(command: LicenseCommand, state: LicenseState): readonly LicenseFact[] {
  if (command.type === 'IssueTrial') return issueTrial(command, state);
  if (command.type === 'ActivateSubscription') return activate(command, state);
  const { licenseId } = command;
  if (state.status === 'unknown') throw new LicensingRefusal('license-unknown', `there is no licence ${licenseId}`);
  if (command.type === 'RevokeLicense') {
    return state.status === 'revoked' ? [] : [fact('LicenseRevoked', { licenseId, reason: command.reason })];
  }
  if (state.status === 'revoked') {
    throw new LicensingRefusal('license-revoked', `licence ${licenseId} was revoked, and that is for good`);
  }
  switch (command.type) {
    case 'RenewLicense':
      return renew(command, state);
    case 'ExtendLicense':
      return extend(command, state);
    case 'AmendLicense':
      return amend(command, state);
    default:
      return transfer(command, state);
  }
}

export function evolveLicense(state: LicenseState, event: LicenseFact): LicenseState {
  if (event.type === 'TrialIssued' || event.type === 'SubscriptionActivated') {
    return { status: 'active', ...event.data, extraDays: 0, transfers: [] };
  }
  if (state.status === 'unknown') return state;
  if (event.type === 'LicenseRevoked') return { ...state, status: 'revoked' };
  if (event.type === 'LicenseRenewed') {
    const { terms, rev, extraDays = 0 } = event.data;
    return { ...state, terms, rev, extraDays: state.extraDays + extraDays };
  }
  const { customerId, rev, transferredAt } = event.data;
  return { ...state, customerId, rev, transfers: [...state.transfers, transferredAt] };
}

/** Folds a licence's stream; what isn't a licence's is passed over. */
export function licenseFrom(facts: readonly Fact[]): LicenseState {
  return facts.filter(isLicenseFact).reduce(evolveLicense, initialLicense());
}

function renew({ licenseId, at, expiresAt, seats }: RenewLicense, state: KnownLicense): readonly LicenseFact[] {
  const { terms, rev } = state;
  const { kind } = terms;
  const plan = plans[kind];
  if (!plan.endAgreed || terms.expiresAt === undefined) {
    throw new LicensingRefusal('not-renewable', `a ${kind} is not renewed: it ends when its plan says, if ever`);
  }
  checkSeats(kind, seats);
  const begins = Date.parse(terms.expiresAt) > Date.parse(at) ? terms.expiresAt : at;
  const ends = endOf(kind, { at: begins, ...(expiresAt === undefined ? {} : { expiresAt }) });
  const renewed = {
    ...terms,
    ...(seats === undefined ? {} : { seats }),
    ...(ends === undefined ? {} : { expiresAt: ends }),
  };
  return [fact('LicenseRenewed', { licenseId, terms: renewed, rev: rev + 1 })];
}

function extend({ licenseId, days, reason }: ExtendLicense, state: KnownLicense): readonly LicenseFact[] {
  const { terms, rev, extraDays } = state;
  const { maxExtraDays } = plans[terms.kind];
  if (terms.expiresAt === undefined) {
    throw new LicensingRefusal('not-extendable', `licence ${licenseId} has no end that could be moved`);
  }
  if (extraDays + days > maxExtraDays) {
    const left = maxExtraDays - extraDays;
    throw new LicensingRefusal('too-many-days', `a ${terms.kind} may have ${left} more days, not ${days}`, 'days');
  }
  const expiresAt = new Date(Date.parse(terms.expiresAt) + days * dayMs).toISOString();
  return [fact('LicenseRenewed', { licenseId, terms: { ...terms, expiresAt }, rev: rev + 1, extraDays: days, reason })];
}

/** Fewer seats than are taken take nobody's away: who sits stays, and nobody else gets in until there are fewer. */
function amend({ licenseId, tier, seats, reason }: AmendLicense, state: KnownLicense): readonly LicenseFact[] {
  const { terms, rev } = state;
  if (tier === undefined && seats === undefined) {
    throw new LicensingRefusal('nothing-to-change', 'say another tier, another number of seats, or both', 'tier');
  }
  checkSeats(terms.kind, seats);
  const amended = { ...terms, tier: tier ?? terms.tier, seats: seats ?? terms.seats };
  return isDeepStrictEqual(amended, terms)
    ? []
    : [fact('LicenseRenewed', { licenseId, terms: amended, rev: rev + 1, reason })];
}

const yearMs = 365 * dayMs;

function transfer({ licenseId, customerId, reason, at }: TransferLicense, state: KnownLicense): readonly LicenseFact[] {
  if (state.customerId === customerId) return [];
  const { terms, rev, transfers } = state;
  const { transfersPerYear } = plans[terms.kind];
  const lately = transfers.filter((then) => Date.parse(then) > Date.parse(at) - yearMs).length;
  if (lately >= transfersPerYear) {
    const times =
      transfersPerYear === 0 ? 'stays with its customer' : `goes to another customer ${transfersPerYear} times a year`;
    throw new LicensingRefusal('too-many-transfers', `a ${terms.kind} ${times}`, 'customerId');
  }
  const from = state.customerId;
  return [fact('LicenseTransferred', { licenseId, from, customerId, rev: rev + 1, transferredAt: at, reason })];
}

function issueTrial(command: IssueTrial, state: LicenseState): readonly LicenseFact[] {
  const terms = termsOf('trial', command);
  if (state.status === 'unknown') return [fact('TrialIssued', issued(command, terms))];
  if (command.repeated === true) return repetition('trial', command, state);
  throw new LicensingRefusal(
    'trial-already-issued',
    `customer ${command.customerId} has had the trial on ${command.distro}`,
    'distro',
  );
}

function activate(command: ActivateSubscription, state: LicenseState): readonly LicenseFact[] {
  const terms = termsOf(command.kind, command);
  if (state.status === 'unknown') return [fact('SubscriptionActivated', issued(command, terms))];
  return repetition(command.kind, command, state);
}

/** The same request at a later time: the terms that follow from the first one's time are what was promised. */
function repetition(kind: PlanName, request: Grant, state: KnownLicense): readonly [] {
  const then = termsOf(kind, { ...request, at: state.terms.notBefore });
  if (state.customerId === request.customerId && isDeepStrictEqual(then, state.terms)) return [];
  throw new LicensingRefusal('license-exists', `licence ${request.licenseId} was issued with other terms`);
}

function issued({ licenseId, customerId }: Grant, terms: LicenseTerms): EventData<'TrialIssued'> {
  return { licenseId, customerId, terms, rev: 1 };
}
