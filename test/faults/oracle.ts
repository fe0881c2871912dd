import { type EventData, type KernelIdentity, type RunningKernel, type Tier } from '#libs/contracts';
import {
  evolveLicense,
  initialLicense,
  isLicenseFact,
  type LicenseState,
  refusals,
  tierReceives,
} from '#libs/licensing';
import type { Entry } from './log.js';

/** What was so from a moment on (ms since the epoch). */
interface Since<T> {
  readonly fromMs: number;
  readonly value: T;
}

type Enrolment = EventData<'MachineEnrolled'>;
type Lease = EventData<'LeaseGranted'>;

interface BundleStory {
  readonly kernelId: string;
  readonly fixIds: readonly string[];
  readonly level?: number;
  signedMs: number;
  recalledMs: number;
  readonly reached: Since<Tier>[];
}

/** A download or an offer, as somebody judges it who has only the log. */
export interface Claim {
  readonly machineId: string;
  readonly bundleId: string;
  /** The lease that the machine showed. */
  readonly leaseId: string;
  /** Where that one had ended, the last one that the log has of the machine counted: who asks for updates need show none. */
  readonly orStanding?: boolean;
}

/**
 * Knows from the log alone who might have what at any moment. It shares the rules of licences with the service (libs/licensing) and
 * nothing else: it is the second opinion on what the feed gives out.
 */
export class Oracle {
  /** Every moment at which something changed, in order. */
  private readonly moments: number[] = [];
  private readonly licenses = new Map<string, Since<LicenseState>[]>();
  private readonly enrolments = new Map<string, Since<Enrolment>[]>();
  /** Whether an operator freed the machine's seat. */
  private readonly unseated = new Map<string, Since<boolean>[]>();
  private readonly leases = new Map<string, Since<Lease>>();
  /** Of each machine, whether or not it ever got them. */
  private readonly granted = new Map<string, Since<Lease>[]>();
  private readonly bundles = new Map<string, BundleStory>();
  private readonly kernels = new Map<string, KernelIdentity>();

  constructor(entries: readonly Entry[]) {
    for (const entry of entries) this.take(entry);
    this.withdrawLevels();
  }

  bundleIds(): readonly string[] {
    return [...this.bundles.keys()];
  }

  kernelOf(bundleId: string): KernelIdentity | undefined {
    return this.kernels.get(this.bundles.get(bundleId)?.kernelId ?? '');
  }

  /** Signed, and in no list of recalls by its own name. */
  isVouchedFor(bundleId: string): boolean {
    return (this.bundles.get(bundleId)?.signedMs ?? Infinity) < Infinity;
  }

  license(licenseId: string, atMs: number): LicenseState {
    return lastBefore(this.licenses.get(licenseId), atMs) ?? initialLicense();
  }

  lease(leaseId: string): Lease | undefined {
    return this.leases.get(leaseId)?.value;
  }

  /**
   * The last moment, between two, at which a claim was right.
   * @returns undefined: at none; then `why` says what stood against it at the end
   */
  lastRight(claim: Claim, fromMs: number, toMs: number): number | undefined {
    const between = this.moments.slice(indexAfter(this.moments, fromMs), indexAfter(this.moments, toMs));
    for (const atMs of [toMs, ...between.reverse(), fromMs]) {
      if (this.against(claim, atMs).length === 0) return atMs;
      // Right until just before something changed.
      if (atMs > fromMs && this.against(claim, atMs - 0.001).length === 0) return atMs;
    }
    return undefined;
  }

  /** All that stands against a claim at a moment. */
  against(claim: Claim, atMs: number): readonly string[] {
    const { machineId, bundleId } = claim;
    const bundle = this.bundles.get(bundleId);
    const enrolment = lastBefore(this.enrolments.get(machineId), atMs);
    const lease = this.leaseOf(claim, atMs);
    if (bundle === undefined) return ['there is no such bundle'];
    if (enrolment === undefined) return ['the machine is not enrolled'];
    if (lease === undefined) return ['no such lease was granted'];
    const { licenseId, kernel, expiresAt, machineId: holder } = lease;
    const license = this.license(licenseId, atMs);
    if (license.status === 'unknown') return ['there is no such licence'];
    const reached = lastBefore(bundle.reached, atMs);
    const question = { kernel, at: new Date(atMs) };
    const own = this.kernels.get(bundle.kernelId);
    return [
      ...(holder === machineId ? [] : ['the lease is another machine’s']),
      ...(enrolment.licenseId === licenseId ? [] : ['the machine is enrolled with another licence']),
      ...(enrolment.customerId === license.customerId ? [] : ['the licence is another customer’s']),
      ...(lastBefore(this.unseated.get(machineId), atMs) === true ? ['the machine has no seat any more'] : []),
      ...(Date.parse(expiresAt) > atMs ? [] : ['the lease had ended']),
      ...refusals(license, question).map(({ code }) => code),
      ...(bundle.signedMs <= atMs ? [] : ['not signed']),
      ...(bundle.recalledMs > atMs ? [] : ['recalled']),
      ...(reached !== undefined && tierReceives(license.terms.tier, reached) ? [] : ['not promoted so far']),
      ...(own !== undefined && isSame(own, kernel) ? [] : ['for another kernel']),
    ];
  }

  /** By which lease a claim is judged. */
  private leaseOf({ machineId, leaseId, orStanding = false }: Claim, atMs: number): Lease | undefined {
    const shown = this.leases.get(leaseId);
    const hasEnded = shown !== undefined && Date.parse(shown.value.expiresAt) <= atMs;
    if (orStanding && hasEnded) return lastBefore(this.granted.get(machineId), atMs);
    return shown === undefined || shown.fromMs > atMs ? undefined : shown.value;
  }

  private take({ storedMs, events }: Entry): void {
    for (const { fact } of events) {
      if (isLicenseFact(fact)) {
        const { licenseId } = fact.data;
        const before = this.license(licenseId, storedMs);
        push(this.licenses, licenseId, { fromMs: storedMs, value: evolveLicense(before, fact) });
      } else if (fact.type === 'MachineEnrolled') {
        push(this.enrolments, fact.data.machineId, { fromMs: storedMs, value: fact.data });
        push(this.unseated, fact.data.machineId, { fromMs: storedMs, value: false });
      } else if (fact.type === 'MachineReleased' || fact.type === 'MachineRetired') {
        push(this.unseated, fact.data.machineId, { fromMs: storedMs, value: true });
      } else if (fact.type === 'LeaseGranted') {
        this.leases.set(fact.data.leaseId, { fromMs: storedMs, value: fact.data });
        push(this.granted, fact.data.machineId, { fromMs: storedMs, value: fact.data });
      } else if (fact.type === 'KernelImported') this.kernels.set(fact.data.kernelId, fact.data.kernel);
      else if (fact.type === 'BundleAssembled') {
        const { bundleId, kernelId, fixIds, level } = fact.data;
        const of = level === undefined ? {} : { level };
        const story = { kernelId, fixIds, ...of, signedMs: Infinity, recalledMs: Infinity, reached: [] };
        this.bundles.set(bundleId, story);
      } else if (!this.takeOfBundle(fact.type, fact.data, storedMs)) continue;
      this.moments.push(storedMs);
    }
  }

  private takeOfBundle(type: string, data: object, storedMs: number): boolean {
    const story = this.bundles.get('bundleId' in data ? String(data.bundleId) : '');
    if (story === undefined) return false;
    if (type === 'BundleSigned') story.signedMs = Math.min(story.signedMs, storedMs);
    else if (type === 'BundleRecalled') story.recalledMs = Math.min(story.recalledMs, storedMs);
    else if (type === 'BundlePromoted' && 'tier' in data) {
      story.reached.push({ fromMs: storedMs, value: data.tier as Tier });
    } else return false;
    return true;
  }

  /** No level is good that contains what was withdrawn. */
  private withdrawLevels(): void {
    const withdrawn = new Map<string, number>();
    for (const { level, fixIds, recalledMs } of this.bundles.values()) {
      if (level === undefined) for (const fixId of fixIds) withdrawn.set(fixId, recalledMs);
    }
    for (const story of this.bundles.values()) {
      if (story.level === undefined) continue;
      const earliest = Math.min(...story.fixIds.map((fixId) => withdrawn.get(fixId) ?? Infinity));
      story.recalledMs = Math.min(story.recalledMs, earliest);
    }
  }
}

function push<T>(map: Map<string, Since<T>[]>, key: string, one: Since<T>): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [one]);
  else known.push(one);
}

function lastBefore<T>(story: readonly Since<T>[] | undefined, atMs: number): T | undefined {
  return story?.findLast(({ fromMs }) => fromMs <= atMs)?.value;
}

/** Index of the first moment after a time. */
function indexAfter(moments: readonly number[], atMs: number): number {
  let [low, high] = [0, moments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((moments[middle] ?? 0) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isSame(a: KernelIdentity, b: RunningKernel): boolean {
  return a.distro === b.distro && a.arch === b.arch && a.release === b.release && a.buildId === b.buildId;
}
