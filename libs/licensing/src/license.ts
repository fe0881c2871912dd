import { derivedId, type EventData, type Fact, fact, type LicenseTerms } from '#libs/contracts';
import { type PlanName, type TermsRequest, termsOf } from './plans.js';
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

export interface RevokeLicense {
  readonly type: 'RevokeLicense';
  readonly licenseId: string;
  readonly reason: string;
}

export type LicenseCommand = IssueTrial | ActivateSubscription | RevokeLicense;
export type LicenseFact = Fact<'TrialIssued' | 'SubscriptionActivated' | 'LicenseRevoked'>;

export type LicenseState =
  | { readonly status: 'unknown' }
  | {
      readonly status: 'active' | 'revoked';
      readonly licenseId: string;
      readonly customerId: string;
      readonly terms: LicenseTerms;
      readonly rev: number;
    };

export const initialLicense = (): LicenseState => ({ status: 'unknown' });

/**
 * The id of a customer's trial on a distribution. There is only one, and that is the whole rule of one trial each: whoever
 * asks again, for whatever reason, asks for this same stream.
 */
export function trialId(customerId: string, distro: string): string {
  return derivedId('trial', customerId, distro);
}

/**
 * Decides on a licence. What was done already, asked for in the same words, decides nothing new.
 * @throws LicensingRefusal
 */
export function decideLicense(command: LicenseCommand, state: LicenseState): readonly LicenseFact[] {
  if (command.type === 'RevokeLicense') return revoke(command, state);
  return command.type === 'IssueTrial' ? issueTrial(command, state) : activate(command, state);
}

export function evolveLicense(state: LicenseState, event: LicenseFact): LicenseState {
  if (event.type !== 'LicenseRevoked') return { status: 'active', ...event.data };
  return state.status === 'unknown' ? state : { ...state, status: 'revoked' };
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
function repetition(kind: PlanName, request: Grant, state: Exclude<LicenseState, { status: 'unknown' }>): readonly [] {
  const then = termsOf(kind, { ...request, at: state.terms.notBefore });
  if (state.customerId === request.customerId && sameTerms(then, state.terms)) return [];
  throw new LicensingRefusal('license-exists', `licence ${request.licenseId} was issued with other terms`);
}

function sameTerms(a: LicenseTerms, b: LicenseTerms): boolean {
  return (
    a.kind === b.kind &&
    a.tier === b.tier &&
    a.seats === b.seats &&
    a.notBefore === b.notBefore &&
    a.expiresAt === b.expiresAt &&
    a.graceSec === b.graceSec &&
    a.distros.join() === b.distros.join()
  );
}

function issued({ licenseId, customerId }: Grant, terms: LicenseTerms): EventData<'TrialIssued'> {
  return { licenseId, customerId, terms, rev: 1 };
}

function revoke({ licenseId, reason }: RevokeLicense, state: LicenseState): readonly LicenseFact[] {
  if (state.status === 'unknown') throw new LicensingRefusal('license-unknown', `there is no licence ${licenseId}`);
  return state.status === 'revoked' ? [] : [fact('LicenseRevoked', { licenseId, reason })];
}
