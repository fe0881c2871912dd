import type { KernelIdentity, RunningKernel, Tier } from '#libs/contracts';
import { effectOn, type Entitlement, tierReceives } from '#libs/licensing';

/** A signed bundle as the feed knows it. */
export interface FeedBundle {
  readonly bundleId: string;
  readonly kernel: KernelIdentity;
  readonly artefact: string;
  readonly sizeBytes: number;
  /** Digest of the general JWS; absent while it is unsigned, and then it is offered to nobody. */
  readonly signature?: string;
  /** The furthest tier that it has reached; absent while it is promoted to none. */
  readonly reached?: Tier;
  readonly recalled?: { readonly reason: string };
  readonly correlationId: string;
}

/** Bundles of one kernel are looked up by this: release and build id, as the kernel's own loader checks neither. */
export function kernelKey({ distro, arch, release, buildId }: RunningKernel): string {
  return `${distro}/${arch}/${release}/${buildId}`;
}

/** Whether a machine of a tier may fetch a bundle for the first time. */
export function mayFetch(bundle: FeedBundle, tier: Tier, has: Entitlement): boolean {
  return isOut(bundle, tier) && bundle.recalled === undefined && has.entitled;
}

/**
 * What a machine is told of a kernel's bundles, in their order. A licence that has ended hides what is new and nothing else: what
 * the machine holds stays on the list, and so does every recall, since a machine may hold what it never reported.
 */
export function offer(
  bundles: readonly FeedBundle[],
  machine: { readonly tier: Tier; readonly held: ReadonlySet<string> },
  has: Entitlement,
): readonly FeedBundle[] {
  return bundles.filter((bundle) => {
    if (bundle.signature === undefined) return false;
    const applied = machine.held.has(bundle.bundleId);
    if (!applied && !isOut(bundle, machine.tier)) return false;
    const recalled = bundle.recalled !== undefined;
    return recalled || effectOn({ applied, recalled }, has) !== 'withhold';
  });
}

function isOut(bundle: FeedBundle, tier: Tier): boolean {
  return bundle.signature !== undefined && bundle.reached !== undefined && tierReceives(tier, bundle.reached);
}
