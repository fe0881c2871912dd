import { Injectable } from '@nestjs/common';
import { derivedId, type Fact, type LicenseTerms, type Tier } from '#libs/contracts';
import { type CommitContext, EventStore, EventStoreError, type RecordedEvent, type StreamName } from '#libs/eventstore';
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
  type LicenseState,
  type PlanName,
  trialId,
} from '#libs/licensing';
import { Clock, Problem, ServiceConfig } from '#libs/service';
import { Catalog } from './catalog.js';
import {
  type BundleCommand,
  type BundleFact,
  type BundleState,
  decideBundle,
  evolveBundle,
  initialBundle,
} from './domain/bundle.js';

/** How an aggregate is folded from its stream. */
interface Aggregate<State, F extends Fact> {
  readonly types: readonly F['type'][];
  initial(): State;
  evolve(state: State, fact: F): State;
}

const customer: Aggregate<CustomerState, CustomerFact> = {
  types: ['CustomerRegistered'],
  initial: initialCustomer,
  evolve: evolveCustomer,
};
const license: Aggregate<LicenseState, LicenseFact> = {
  types: ['TrialIssued', 'SubscriptionActivated', 'LicenseRevoked'],
  initial: initialLicense,
  evolve: evolveLicense,
};
const bundle: Aggregate<BundleState, BundleFact> = {
  types: ['BundleAssembled', 'BundleSigned', 'BundlePromoted', 'BundleRecalled'],
  initial: initialBundle,
  evolve: evolveBundle,
};

const maxRaces = 8;

export interface LicenseRequest {
  readonly customerId: string;
  readonly plan: PlanName;
  readonly distro: string;
  readonly tier?: Tier;
  readonly seats?: number;
  readonly expiresAt?: string;
}

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
    private readonly events: EventStore,
    private readonly clock: Clock,
    private readonly config: ServiceConfig,
    private readonly catalog: Catalog,
  ) {}

  /** @throws LicensingRefusal `customer-exists` */
  async registerCustomer(key: string, request: { name: string; email?: string }): Promise<{ customerId: string }> {
    const customerId = derivedId('customer', key);
    await this.handle(`customer.${customerId}`, customer, contextOf('register', customerId, key), (state) =>
      decideCustomer({ type: 'RegisterCustomer', customerId, ...request }, state),
    );
    return { customerId };
  }

  /** @throws LicensingRefusal; Problem 404 for an unknown customer */
  async issueLicense(key: string, request: LicenseRequest): Promise<License> {
    const { plan, ...terms } = request;
    await this.requireCustomer(request.customerId);
    const licenseId = plan === 'trial' ? trialId(request.customerId, request.distro) : derivedId('license', key);
    const context = contextOf('issue', licenseId, key);
    const grant = { ...terms, licenseId, ownDistro: this.config.ownDistro, at: this.clock.now().toISOString() };
    const state = await this.handle(`license.${licenseId}`, license, context, (state, past) => {
      // The correlation of a licence begins with the command that issued it.
      const repeated = past[0]?.envelope.correlationId === context.correlationId;
      const command: LicenseCommand =
        plan === 'trial'
          ? { type: 'IssueTrial', ...grant, repeated }
          : { type: 'ActivateSubscription', kind: plan, ...grant };
      return decideLicense(command, state);
    });
    return licenseOf(licenseId, state);
  }

  /** @throws Problem 404, or 409 for a revoked one */
  async activeLicense(licenseId: string): Promise<License> {
    const { state } = await this.read(`license.${licenseId}`, license);
    if (state.status === 'revoked') {
      throw new Problem({ status: 409, code: 'license-revoked', title: 'The licence was revoked' });
    }
    return licenseOf(licenseId, state);
  }

  /** @throws LicensingRefusal `license-unknown` */
  async revokeLicense(key: string, licenseId: string, reason: string): Promise<void> {
    await this.handle(`license.${licenseId}`, license, contextOf('revoke', licenseId, key), (state) =>
      decideLicense({ type: 'RevokeLicense', licenseId, reason }, state),
    );
  }

  /** @throws BundleRefusal */
  async rollOut(key: string, command: BundleCommand): Promise<BundleState> {
    const { bundleId, type } = command;
    const verb = type === 'PromoteBundle' ? `promote-${command.tier}` : 'recall';
    return this.handle(`bundle.${bundleId}`, bundle, contextOf(verb, bundleId, key), (state) =>
      decideBundle(command, state),
    );
  }

  private async requireCustomer(customerId: string): Promise<void> {
    const { state } = await this.read(`customer.${customerId}`, customer);
    if (state.status === 'unknown') throw Problem.notFound('customer', customerId);
  }

  /** Reads, decides, appends and lets the tables follow; whoever loses a race reads and decides again. */
  private async handle<State, F extends Fact>(
    stream: StreamName,
    aggregate: Aggregate<State, F>,
    context: CommitContext,
    decide: (state: State, past: readonly RecordedEvent[]) => readonly F[],
  ): Promise<State> {
    for (let race = 1; ; race++) {
      const { state, past, revision, correlationId } = await this.read(stream, aggregate);
      const facts = decide(state, past);
      if (facts.length === 0) return state;
      try {
        const { duplicate, revision: position } = await this.events.appendToStream(stream, revision, facts, {
          ...context,
          correlationId: correlationId ?? context.correlationId,
        });
        await this.catalog.reached(position);
        if (duplicate) return (await this.read(stream, aggregate)).state;
        return facts.reduce((now, fact) => aggregate.evolve(now, fact), state);
      } catch (error) {
        const lost = error instanceof EventStoreError && error.code === 'wrong-expected-revision';
        if (!lost || race === maxRaces) throw error;
      }
    }
  }

  private async read<State, F extends Fact>(stream: StreamName, aggregate: Aggregate<State, F>) {
    const { events: past, revision } = await this.events.readStream(stream);
    const isOurs = (fact: Fact): fact is Fact & F => aggregate.types.some((type) => type === fact.type);
    const state = past
      .map(({ fact }) => fact)
      .filter(isOurs)
      .reduce((state, fact) => aggregate.evolve(state, fact), aggregate.initial());
    return { state, past, revision, correlationId: past[0]?.envelope.correlationId };
  }
}

function contextOf(verb: string, id: string, key: string): CommitContext {
  const commandId = `catalog:${verb}:${id}:${derivedId(key)}`;
  return { actor: 'admin', commandId, correlationId: commandId };
}

function licenseOf(licenseId: string, state: LicenseState): License {
  if (state.status === 'unknown') throw Problem.notFound('licence', licenseId);
  const { customerId, terms, rev } = state;
  return { licenseId, customerId, terms, rev };
}
