import { Injectable } from '@nestjs/common';
import { derivedId, type EventData, type LicenseTerms, type Tier } from '#libs/contracts';
import { type CommitContext, eventIdOf, type RecordedEvent, type StreamName } from '#libs/eventstore';
import {
  type CustomerFact,
  type CustomerState,
  decideCustomer,
  decideLicense,
  evolveCustomer,
  evolveLicense,
  initialCustomer,
  initialLicense,
  type LicenseCommand,
  type LicenseFact,
  licenseFactTypes,
  type LicenseState,
  type PlanName,
  organisationName,
  trialId,
} from '#libs/licensing';
import { Clock, Pepper, Problem, ServiceConfig } from '#libs/service';
import { type Aggregate, Aggregates, contextOf } from './aggregates.js';
import {
  type BundleCommand,
  type BundleFact,
  type BundleState,
  BundleRefusal,
  decideBundle,
  evolveBundle,
  initialBundle,
} from './domain/bundle.js';
import {
  decideLevel,
  evolveLevel,
  initialLevel,
  type LevelFact,
  type LevelState,
  type UnfitFix,
  unfitFixes,
} from './domain/level.js';
import { LevelFixes } from './level-fixes.js';

const customer: Aggregate<CustomerState, CustomerFact> = {
  types: ['CustomerRegistered'],
  initial: initialCustomer,
  evolve: evolveCustomer,
};
const license: Aggregate<LicenseState, LicenseFact> = {
  types: licenseFactTypes,
  initial: initialLicense,
  evolve: evolveLicense,
};
const bundle: Aggregate<BundleState, BundleFact> = {
  types: ['BundleAssembled', 'BundleSigned', 'BundlePromoted', 'BundleRecalled'],
  initial: initialBundle,
  evolve: evolveBundle,
};

const levels: Aggregate<LevelState, LevelFact> = {
  types: ['LevelProposed', 'LevelBuilt', 'LevelRefused'],
  initial: initialLevel,
  evolve: evolveLevel,
};

export interface LicenseRequest {
  readonly customerId: string;
  readonly plan: PlanName;
  readonly distro: string;
  readonly tier?: Tier;
  readonly seats?: number;
  readonly majors?: readonly string[];
  readonly arches?: readonly string[];
  readonly offlineMaxSec?: number;
  readonly expiresAt?: string;
}

export interface LevelRequest {
  readonly kernelId: string;
  /** All whose bundles are promoted, if absent. */
  readonly fixIds?: readonly string[];
  readonly leaveOut: boolean;
}

export interface CustomerRequest {
  readonly name: string;
  readonly email?: string;
  /** Its name or domain; kept as a mark alone. */
  readonly organisation?: string;
}

/** What may be done with a licence that is there; the decider's command without what the log and the clock say. */
export type LicenseChange =
  | { readonly type: 'RenewLicense'; readonly expiresAt?: string; readonly seats?: number }
  | { readonly type: 'ExtendLicense'; readonly days: number; readonly reason: string }
  | { readonly type: 'AmendLicense'; readonly tier?: Tier; readonly seats?: number; readonly reason: string }
  | { readonly type: 'TransferLicense'; readonly customerId: string; readonly reason: string };

export interface License {
  readonly licenseId: string;
  readonly customerId: string;
  readonly terms: LicenseTerms;
  readonly rev: number;
}

/**
 * What an operator may do. `key` names the wish: the same wish told twice (`Idempotency-Key`) is carried out once and answered
 * the same.
 */
@Injectable()
export class Commands {
  constructor(
    private readonly aggregates: Aggregates,
    private readonly clock: Clock,
    private readonly config: ServiceConfig,
    private readonly pepper: Pepper,
    private readonly levelFixes: LevelFixes,
  ) {}

  /** @throws LicensingRefusal `customer-exists` */
  async registerCustomer(key: string, { organisation, ...request }: CustomerRequest): Promise<{ customerId: string }> {
    const customerId = derivedId('customer', key);
    const mark =
      organisation === undefined
        ? {}
        : { organisation: this.pepper.mark('organisation', organisationName(organisation)) };
    await this.aggregates.handle(`customer.${customerId}`, customer, contextOf('register', customerId, key), (state) =>
      decideCustomer({ type: 'RegisterCustomer', customerId, ...request, ...mark }, state),
    );
    return { customerId };
  }

  /**
   * Issues a licence. Asked again, the answer is the licence as it is now: a token is signed of these terms alone.
   * @throws LicensingRefusal; Problem 404 for an unknown customer, 409 if it has been revoked since
   */
  async issueLicense(key: string, request: LicenseRequest): Promise<License> {
    const { plan, ...terms } = request;
    const { organisation = request.customerId } = await this.requireCustomer(request.customerId);
    const licenseId = plan === 'trial' ? trialId(organisation, request.distro) : derivedId('license', key);
    const context = contextOf('issue', licenseId, key);
    const grant = { ...terms, licenseId, ownDistro: this.config.ownDistro, at: this.clock.now().toISOString() };
    await this.aggregates.handle(`license.${licenseId}`, license, context, (state, past) => {
      // The correlation of a licence begins with the command that issued it.
      const repeated = past[0]?.envelope.correlationId === context.correlationId;
      const command: LicenseCommand =
        plan === 'trial'
          ? { type: 'IssueTrial', ...grant, repeated }
          : { type: 'ActivateSubscription', kind: plan, ...grant };
      return decideLicense(command, state);
    });
    return this.activeLicense(licenseId);
  }

  /** @throws Problem 404, or 409 for a revoked one */
  async activeLicense(licenseId: string): Promise<License> {
    const { state } = await this.aggregates.read(`license.${licenseId}`, license);
    if (state.status === 'revoked') {
      throw new Problem({ status: 409, code: 'license-revoked', title: 'The licence was revoked' });
    }
    return licenseOf(licenseId, state);
  }

  /** Renews, extends, amends or hands on a licence. @throws LicensingRefusal; Problem 404 for an unknown customer */
  async changeLicense(key: string, licenseId: string, change: LicenseChange): Promise<License> {
    if (change.type === 'TransferLicense') await this.requireCustomer(change.customerId);
    const stream: StreamName = `license.${licenseId}`;
    const context = contextOf(change.type, licenseId, key);
    const command = { ...change, licenseId, at: this.clock.now().toISOString() };
    const state = await this.aggregates.handle(stream, license, context, (state, past) =>
      // Carried out already: to renew for another year because an answer was lost would be wrong.
      isDone(past, stream, context) ? [] : decideLicense(command, state),
    );
    return licenseOf(licenseId, state);
  }

  /** @throws LicensingRefusal `license-unknown` */
  async revokeLicense(key: string, licenseId: string, reason: string): Promise<void> {
    await this.aggregates.handle(`license.${licenseId}`, license, contextOf('revoke', licenseId, key), (state) =>
      decideLicense({ type: 'RevokeLicense', licenseId, reason }, state),
    );
  }

  /** Promotes or recalls a bundle. With a fix, the levels that it is in are recalled too. @throws BundleRefusal */
  async rollOut(key: string, command: BundleCommand): Promise<BundleState> {
    const { bundleId } = command;
    if (command.type === 'PromoteBundle') {
      const [withdrawn] = await this.levelFixes.withdrawnIn(bundleId);
      return this.decideBundle(`promote-${command.tier}`, key, command, withdrawn);
    }
    const state = await this.decideBundle('recall', key, command);
    for (const level of await this.levelFixes.levelsWith(bundleId)) {
      const reason = `it contains bundle ${bundleId}, which was withdrawn: ${command.reason}`.slice(0, 1024);
      await this.decideBundle('recall', key, { ...command, bundleId: level.bundleId, reason });
    }
    return state;
  }

  /** Has a cumulative level built. @throws LevelRefusal; Problem 404 for an unknown kernel */
  async proposeLevel(
    key: string,
    { kernelId, fixIds, leaveOut }: LevelRequest,
  ): Promise<{ state: LevelState; unfit: readonly UnfitFix[] }> {
    const command = { kernelId, leaveOut, ...(await this.levelFixes.candidates(kernelId, fixIds)) };
    const stream: StreamName = `level.${kernelId}`;
    const context = contextOf('level', kernelId, key);
    const state = await this.aggregates.handle(stream, levels, context, (state, past) =>
      // What has been withdrawn since doesn't undo that it was asked for.
      isDone(past, stream, context) ? [] : decideLevel(command, state),
    );
    return { state, unfit: unfitFixes(command) };
  }

  /** @param withdrawn a fix of the bundle that was: such a bundle is not promoted any more */
  private async decideBundle(
    verb: string,
    key: string,
    command: BundleCommand,
    withdrawn?: string,
  ): Promise<BundleState> {
    const { bundleId } = command;
    const stream: StreamName = `bundle.${bundleId}`;
    const context = contextOf(verb, bundleId, key);
    return this.aggregates.handle(stream, bundle, context, (state, past) => {
      if (withdrawn === undefined || isDone(past, stream, context)) return decideBundle(command, state);
      throw new BundleRefusal('bundle-recalled', `bundle ${bundleId} contains fix ${withdrawn}, which was withdrawn`);
    });
  }

  private async requireCustomer(customerId: string): Promise<EventData<'CustomerRegistered'>> {
    const { state } = await this.aggregates.read(`customer.${customerId}`, customer);
    if (state.status === 'unknown') throw Problem.notFound('customer', customerId);
    return state;
  }
}

/** Whether a command's commit is in the stream already. */
function isDone(past: readonly RecordedEvent[], stream: StreamName, { commandId }: CommitContext): boolean {
  const first = eventIdOf(stream, commandId);
  return past.some(({ envelope }) => envelope.id === first);
}

function licenseOf(licenseId: string, state: LicenseState): License {
  if (state.status === 'unknown') throw Problem.notFound('licence', licenseId);
  const { customerId, terms, rev } = state;
  return { licenseId, customerId, terms, rev };
}
