import { type EventData, type Fact, type KernelIdentity, type Tier, tierSchema } from '#libs/contracts';
import type { RecordedEvent } from '#libs/eventstore';
import { evolveLicense, initialLicense, type LicenseFact, type LicenseState } from '#libs/licensing';
import { type MachineFact, holds, isMachineFact } from '../domain/machine.js';
import { type FeedBundle, kernelKey } from '../domain/offer.js';

/** A machine as the feed needs it at each request. */
export interface FeedMachine {
  readonly keyThumbprint: string;
  readonly licenseId: string;
  /** Its last lease's, or the one it enrolled with. */
  readonly kernel: EventData<'LeaseGranted'>['kernel'];
  /** Bundles that are, or may be, in its running kernel. */
  readonly held: ReadonlySet<string>;
}

/** All that a request needs to be answered, folded from the log and kept in memory: no request waits for a database. */
export class FeedIndex {
  private readonly kernels = new Map<string, KernelIdentity>();
  private readonly bundles = new Map<string, FeedBundle>();
  /** Ids by kernel, in the order in which they were assembled. */
  private readonly byKernel = new Map<string, string[]>();
  private readonly licenses = new Map<string, LicenseState>();
  private readonly machines = new Map<string, FeedMachine & { readonly held: Set<string> }>();
  private readonly seats = new Map<string, Set<string>>();

  bundle(bundleId: string): FeedBundle | undefined {
    return this.bundles.get(bundleId);
  }

  bundlesFor(kernel: FeedMachine['kernel']): readonly FeedBundle[] {
    const ids = this.byKernel.get(kernelKey(kernel)) ?? [];
    return ids.flatMap((id) => this.bundles.get(id) ?? []);
  }

  license(licenseId: string): LicenseState {
    return this.licenses.get(licenseId) ?? initialLicense();
  }

  machine(machineId: string): FeedMachine | undefined {
    return this.machines.get(machineId);
  }

  /** How many machines other than this one are enrolled with a licence. */
  otherMachines(licenseId: string, machineId: string): number {
    const seated = this.seats.get(licenseId);
    return seated === undefined ? 0 : seated.size - (seated.has(machineId) ? 1 : 0);
  }

  apply({ fact, envelope }: RecordedEvent): void {
    if (isMachineFact(fact)) this.applyMachine(fact);
    else if (isLicenseFact(fact)) this.applyLicense(fact);
    else if (fact.type === 'KernelImported') this.kernels.set(fact.data.kernelId, fact.data.kernel);
    else if (fact.type === 'BundleAssembled') this.assemble(fact.data, envelope.correlationId);
    else if (fact.type === 'BundleSigned') this.change(fact.data.bundleId, { signature: fact.data.signature });
    else if (fact.type === 'BundlePromoted') this.promote(fact.data.bundleId, fact.data.tier);
    else if (fact.type === 'BundleRecalled') {
      this.change(fact.data.bundleId, { recalled: { reason: fact.data.reason } });
    }
  }

  private assemble(data: EventData<'BundleAssembled'>, correlationId: string): void {
    const kernel = this.kernels.get(data.kernelId);
    // sign assembles only for imported kernels, so the log has the kernel first.
    if (kernel === undefined || this.bundles.has(data.bundleId)) return;
    const { bundleId, artefact, sizeBytes } = data;
    this.bundles.set(bundleId, { bundleId, kernel, artefact, sizeBytes, correlationId });
    const key = kernelKey(kernel);
    const ids = this.byKernel.get(key);
    if (ids === undefined) this.byKernel.set(key, [bundleId]);
    else ids.push(bundleId);
  }

  private promote(bundleId: string, tier: Tier): void {
    const { options } = tierSchema;
    const reached = this.bundles.get(bundleId)?.reached;
    // A promotion to an earlier tier takes nothing back: that is what a recall is for.
    if (reached !== undefined && options.indexOf(reached) >= options.indexOf(tier)) return;
    this.change(bundleId, { reached: tier });
  }

  private change(bundleId: string, changed: Partial<FeedBundle>): void {
    const bundle = this.bundles.get(bundleId);
    if (bundle !== undefined) this.bundles.set(bundleId, { ...bundle, ...changed });
  }

  private applyLicense(fact: LicenseFact): void {
    const { licenseId } = fact.data;
    this.licenses.set(licenseId, evolveLicense(this.license(licenseId), fact));
  }

  private applyMachine(fact: MachineFact): void {
    const { machineId } = fact.data;
    const machine = this.machines.get(machineId);
    switch (fact.type) {
      case 'MachineEnrolled': {
        const { licenseId, keyThumbprint, kernel } = fact.data;
        this.seat(machineId, machine?.licenseId, licenseId);
        this.machines.set(machineId, { keyThumbprint, licenseId, kernel, held: machine?.held ?? new Set() });
        return;
      }
      case 'LeaseGranted':
        if (machine !== undefined) this.machines.set(machineId, { ...machine, kernel: fact.data.kernel });
        return;
      case 'LeaseRefused':
        return;
      case 'UpdateStaged':
      case 'UpdateApplied':
      case 'UpdateStalled':
      case 'UpdateReversed':
      case 'UpdateFailed':
        if (holds(fact)) machine?.held.add(fact.data.bundleId);
        else machine?.held.delete(fact.data.bundleId);
    }
  }

  private seat(machineId: string, from: string | undefined, to: string): void {
    if (from !== undefined) this.seats.get(from)?.delete(machineId);
    const seated = this.seats.get(to) ?? new Set();
    this.seats.set(to, seated.add(machineId));
  }
}

/** Folds a licence's stream. */
export function licenseFrom(facts: readonly Fact[]): LicenseState {
  return facts.filter(isLicenseFact).reduce(evolveLicense, initialLicense());
}

function isLicenseFact(fact: Fact): fact is LicenseFact {
  return fact.type === 'TrialIssued' || fact.type === 'SubscriptionActivated' || fact.type === 'LicenseRevoked';
}
