import { Injectable } from '@nestjs/common';
import { hintSubject, type Tier, type UpdatePreference } from '#libs/contracts';
import { entitlement, type Entitlement, type LicenseState } from '#libs/licensing';
import { Clock, Metrics, Problem } from '#libs/service';
import type { Lease } from '#libs/trust';
import { type FeedBundle, kernelKey, mayFetch } from './domain/offer.js';
import { notEnrolled } from './enrolment.js';
import type { Caller } from './machine-gate.js';
import { type Offer, Offers } from './offers.js';
import type { FeedIndex } from './projections/feed-index.js';
import type { FeedMachine, StandingLease } from './projections/feed-machine.js';
import { LiveIndex } from './projections/live-index.js';

/** Says what a machine may have. All from memory: no request writes, and none waits for a database. */
@Injectable()
export class Updates {
  constructor(
    private readonly live: LiveIndex,
    private readonly offers: Offers,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
  ) {}

  /** Whether the caller is enrolled. @throws Problem 403, 503. */
  machine({ machineId }: Caller): FeedMachine {
    const machine = this.live.current().machine(machineId);
    if (machine === undefined) throw notEnrolled();
    return machine;
  }

  /** The lease that the caller shows, else the one that the log has of it, if it holds now: to show it costs 700 bytes at each check-in. */
  standingLease(caller: Caller, shown: Lease | undefined): StandingLease | undefined {
    const { lease } = this.machine(caller);
    if (shown !== undefined || lease === undefined) return shown;
    return Date.parse(lease.expiresAt) > this.clock.now().getTime() ? lease : undefined;
  }

  /** What the caller is told. Without a lease that holds it gets nothing new, but hears what became of the rest. */
  async offer(caller: Caller, lease: StandingLease | undefined, prefers: UpdatePreference): Promise<Offer> {
    const index = this.live.current();
    const machine = this.machine(caller);
    const kernel = lease?.kernel ?? machine.kernel;
    const { updates } = machine;
    const isLeased = lease !== undefined;
    return this.offers.of(index, { kernel, updates, prefers, isLeased, ...this.claim(index, machine, lease) });
  }

  /** The bundle, if the caller may fetch it now. @throws Problem 403, 404, 410. */
  entitledBundle(caller: Caller, lease: Lease, bundleId: string): FeedBundle {
    const index = this.live.current();
    const machine = this.machine(caller);
    const bundle = index.bundle(bundleId);
    if (bundle === undefined) throw Problem.notFound('bundle', bundleId.slice(0, 64));
    if (bundle.recalled !== undefined) {
      throw new Problem({
        status: 410,
        code: 'bundle-recalled',
        title: 'This bundle was withdrawn',
        detail: bundle.recalled.reason,
      });
    }
    const { tier, has } = this.claim(index, machine, lease);
    if (kernelKey(bundle.kernel) !== kernelKey(lease.kernel) || !mayFetch(bundle, tier, has)) {
      if (!has.entitled) this.metrics.refused('bundle', has.reasons);
      throw new Problem({
        status: 403,
        code: 'not-entitled',
        title: 'This machine may not have this bundle',
        ...(has.entitled ? {} : { extra: { reasons: has.reasons } }),
      });
    }
    return bundle;
  }

  /** What a machine is told of at once: its tier's news, and where it has no lease that holds, recalls alone. */
  hearing(caller: Caller, lease: StandingLease | undefined): { subject: string; recallsOnly: boolean } {
    const index = this.live.current();
    const machine = this.machine(caller);
    const { tier, has } = this.claim(index, machine, lease);
    return { subject: hintSubject(lease?.kernel ?? machine.kernel, tier), recallsOnly: !has.entitled };
  }

  /** What the licence allows now, as the log has it: a revocation counts at once, whatever the lease says. */
  private claim(index: FeedIndex, machine: FeedMachine, lease?: StandingLease): { tier: Tier; has: Entitlement } {
    const license: LicenseState = index.license(machine.licenseId);
    if (license.status === 'unknown') return { tier: 'stable', has: without('license-unknown', 'it is not known') };
    const { tier } = license.terms;
    if (machine.unseated !== undefined) return { tier, has: { entitled: false, reasons: [machine.unseated] } };
    if (license.customerId !== machine.customerId) {
      return { tier, has: without('license-transferred', 'the licence belongs to another customer now') };
    }
    if (lease === undefined) return { tier, has: without('lease-ended', 'the lease has ended') };
    if (lease.licenseId !== machine.licenseId) {
      return { tier, has: without('license-changed', 'the lease is of another licence') };
    }
    const isRevoked = license.status === 'revoked';
    return { tier, has: entitlement(license.terms, isRevoked, lease.kernel, this.clock.now()) };
  }
}

function without(code: string, reason: string): Entitlement {
  return { entitled: false, reasons: [{ code, reason }] };
}
