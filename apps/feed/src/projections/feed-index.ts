import type { Revocations } from '#libs/broker';
import {
  type EventData,
  type Fact,
  type Hint,
  type KernelIdentity,
  type Recall,
  type Tier,
  tierSchema,
} from '#libs/contracts';
import type { RecordedEvent } from '#libs/eventstore';
import { type FeedMachine, leased, reported } from './feed-machine.js';
import { MetadataShelf } from './metadata-shelf.js';
import { NewsBoard } from './news-board.js';
import {
  type Candidate,
  evolveLicense,
  initialLicense,
  isLicenseFact,
  type LicenseFact,
  type LicenseState,
  Seating,
  type Standing,
} from '#libs/licensing';
import { isMachineFact, type MachineFact, type OnMachine } from '../domain/machine.js';
import { type FeedBundle, kernelKey } from '../domain/offer.js';

/** What changes offers, whosever they are; what is of one machine or licence doesn't. */
const ofAll: ReadonlySet<string> = new Set<Fact['type']>([
  'KernelImported',
  'BundleAssembled',
  'BundleSigned',
  'BundlePromoted',
  'BundleRecalled',
  'MetadataPublished',
]);

/** All that a request needs to be answered, folded from the log and kept in memory: no request waits for a database. */
export class FeedIndex {
  /** The signed metadata. */
  readonly metadata = new MetadataShelf();
  /** What machines are told, and were told. */
  readonly news = new NewsBoard();
  #generation = 0;
  private readonly kernels = new Map<string, KernelIdentity>();
  private readonly bundles = new Map<string, FeedBundle>();
  /** Ids by kernel, in the order in which they were assembled. */
  private readonly byKernel = new Map<string, string[]>();
  private readonly licenses = new Map<string, LicenseState>();
  private readonly machines = new Map<string, FeedMachine>();
  /** Why a fix's own bundle was withdrawn, by fix: no level with it is good either. */
  private readonly withdrawn = new Map<string, Recall>();
  private readonly seating = new Seating();
  /** Who no longer listens, since when and at the latest until when. */
  private readonly cut = new Map<string, { readonly sinceMs: number; readonly untilMs: number }>();

  /** Another number whenever a bundle, or whether machines would trust it, may have changed. */
  get generation(): number {
    return this.#generation;
  }

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

  /** How a machine, enrolled or not, stands with a licence. */
  standing(candidate: Candidate, licenseId: string, at: Date): Standing {
    return this.seating.standing(candidate, licenseId, at, (id) => {
      const license = this.license(id);
      return license.status === 'unknown' ? undefined : license.terms;
    });
  }

  /** The users whose tokens of until then (seconds) count no more; those that would have ended by themselves are left out. */
  cutOff(at: Date): Revocations {
    const standing = [...this.cut].filter(([, { untilMs }]) => untilMs > at.getTime());
    return Object.fromEntries(standing.map(([user, { sinceMs }]) => [user, Math.floor(sinceMs / 1000)]));
  }

  apply({ fact, envelope, position }: RecordedEvent): void {
    this.metadata.apply(fact);
    if (isMachineFact(fact)) this.applyMachine(fact, envelope.at);
    else if (isLicenseFact(fact)) this.applyLicense(fact, envelope.at);
    else if (fact.type === 'KernelImported') this.kernels.set(fact.data.kernelId, fact.data.kernel);
    else if (fact.type === 'BundleAssembled') this.assemble(fact.data, envelope.correlationId);
    else if (fact.type === 'BundleSigned') this.change(fact.data.bundleId, { signature: fact.data.signature });
    else if (fact.type === 'BundlePromoted') this.promote(fact.data.bundleId, fact.data.tier);
    else if (fact.type === 'BundleRecalled') this.recall(fact.data);
    if (ofAll.has(fact.type)) this.#generation += 1;
    this.announce(fact, position);
  }

  /**
   * What was promoted or recalled before the metadata said so was told too early to machines that go by the metadata: they are told
   * once more.
   */
  private announce(fact: Fact, position: number): void {
    const tell = (bundleId: string, action: Hint['action']): void =>
      this.news.add(this.bundles.get(bundleId), action, position);
    if (fact.type === 'BundlePromoted') tell(fact.data.bundleId, 'published');
    else if (fact.type === 'BundleRecalled') tell(fact.data.bundleId, 'recalled');
    else if (fact.type === 'MetadataPublished') {
      const { bundleIds = [], recalledIds = [] } = fact.data;
      for (const bundleId of bundleIds) tell(bundleId, 'published');
      for (const bundleId of recalledIds) tell(bundleId, 'recalled');
    }
  }

  private assemble(data: EventData<'BundleAssembled'>, correlationId: string): void {
    const kernel = this.kernels.get(data.kernelId);
    // sign assembles only for imported kernels, so the log has the kernel first.
    if (kernel === undefined || this.bundles.has(data.bundleId)) return;
    const { bundleId, fixIds, level, artefact, sizeBytes } = data;
    const ofLevel = level === undefined ? {} : { level };
    this.bundles.set(bundleId, { bundleId, kernel, fixIds, ...ofLevel, artefact, sizeBytes, correlationId });
    if (level !== undefined) this.recallIfWithdrawn(bundleId, fixIds);
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

  /** Sound whatever was first, the recall of a fix or the level with it: an index has to come to the same either way. */
  private recall({ bundleId, ...recall }: EventData<'BundleRecalled'>): void {
    const recalled = harsher(this.bundles.get(bundleId)?.recalled, recall);
    this.change(bundleId, { recalled });
    const bundle = this.bundles.get(bundleId);
    if (bundle === undefined || bundle.level !== undefined) return;
    for (const fixId of bundle.fixIds) this.withdrawn.set(fixId, recalled);
    for (const other of this.bundlesFor(bundle.kernel)) {
      if (other.level !== undefined) this.recallIfWithdrawn(other.bundleId, other.fixIds);
    }
  }

  private recallIfWithdrawn(bundleId: string, fixIds: readonly string[]): void {
    const fixId = fixIds.find((one) => this.withdrawn.has(one));
    const recall = this.withdrawn.get(fixId ?? '');
    if (fixId === undefined || recall === undefined) return;
    const reason = `it contains fix ${fixId}, which was withdrawn: ${recall.reason}`.slice(0, 1024);
    this.change(bundleId, { recalled: harsher(this.bundles.get(bundleId)?.recalled, { ...recall, reason }) });
  }

  private change(bundleId: string, changed: Partial<FeedBundle>): void {
    const bundle = this.bundles.get(bundleId);
    if (bundle !== undefined) this.bundles.set(bundleId, { ...bundle, ...changed });
  }

  private applyLicense(fact: LicenseFact, at: string): void {
    const { licenseId } = fact.data;
    this.licenses.set(licenseId, evolveLicense(this.license(licenseId), fact));
    if (fact.type !== 'LicenseRevoked') return;
    for (const machine of this.machines.values()) if (machine.licenseId === licenseId) this.cutListener(machine, at);
  }

  private applyMachine(fact: MachineFact, at: string): void {
    const { machineId } = fact.data;
    const machine = this.machines.get(machineId);
    switch (fact.type) {
      case 'MachineEnrolled': {
        const { licenseId, customerId, keyThumbprint, kernel } = fact.data;
        this.seating.enrol(fact.data, at);
        const updates = machine?.updates ?? new Map<string, OnMachine>();
        const { lease, listener } = machine ?? {};
        const held = { ...(lease === undefined ? {} : { lease }), ...(listener === undefined ? {} : { listener }) };
        this.machines.set(machineId, { keyThumbprint, licenseId, customerId, kernel, updates, ...held });
        return;
      }
      case 'LeaseGranted':
        if (machine !== undefined) this.machines.set(machineId, { ...machine, ...leased(fact.data) });
        return;
      case 'LeaseRefused':
        return;
      case 'MachineReleased':
        this.seating.release(machineId);
        this.unseat(machineId, 'machine-released', fact.data.reason, at);
        return;
      case 'MachineRetired':
        this.seating.retire(machineId);
        this.unseat(machineId, 'machine-retired', fact.data.reason, at);
        return;
      case 'UpdateStaged':
      case 'UpdateApplied':
      case 'UpdateStalled':
      case 'UpdateReversed':
      case 'UpdateReplaced':
      case 'UpdateFailed':
        if (machine !== undefined) this.machines.set(machineId, { ...machine, updates: reported(machine, fact) });
    }
  }

  private cutListener({ listener }: FeedMachine, at: string): void {
    if (listener === undefined) return;
    this.cut.set(listener.user, { sinceMs: Date.parse(at), untilMs: Date.parse(listener.until) });
  }

  private unseat(machineId: string, code: 'machine-released' | 'machine-retired', reason: string, at: string): void {
    const machine = this.machines.get(machineId);
    if (machine === undefined) return;
    this.cutListener(machine, at);
    this.machines.set(machineId, { ...machine, unseated: { code, reason } });
  }
}

/** Of two recalls of a bundle the first counts, unless only the later one takes it back. */
function harsher(before: Recall | undefined, recall: Recall): Recall {
  return before === undefined || (before.keep === true && recall.keep !== true) ? recall : before;
}
