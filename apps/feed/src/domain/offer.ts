import type { KernelIdentity, Recall, RunningKernel, Tier, UpdatePreference } from '#libs/contracts';
import { effectOn, type Entitlement, tierReceives } from '#libs/licensing';
import type { OnMachine } from './machine.js';

/** A signed bundle as the feed knows it. */
export interface FeedBundle {
  readonly bundleId: string;
  readonly kernel: KernelIdentity;
  /** What it fixes: one fix, or all of a level. */
  readonly fixIds: readonly string[];
  /** Of a cumulative level. */
  readonly level?: number;
  readonly artefact: string;
  readonly sizeBytes: number;
  /** Digest of the general JWS; absent while it is unsigned, and then it is offered to nobody. */
  readonly signature?: string;
  /** The furthest tier that it has reached; absent while it is promoted to none. */
  readonly reached?: Tier;
  readonly recalled?: Recall;
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

/** What of a machine decides on its offer. */
export interface OfferedTo {
  readonly tier: Tier;
  /** How it stands with the bundles that it has reported of. */
  readonly updates: ReadonlyMap<string, OnMachine>;
  readonly prefers: UpdatePreference;
}

/**
 * What a machine is told of a kernel's bundles, in their order: of a level and the singles in it, either or (docs/adr/0011).
 * What the machine holds and what is recalled is told in any case.
 */
export function offer(bundles: readonly FeedBundle[], machine: OfferedTo, has: Entitlement): readonly FeedBundle[] {
  const visible = visibleTo(bundles, machine, has);
  const isFixed = (one: FeedBundle): boolean => holds(machine, one) || one.recalled !== undefined;
  const chosen = machine.prefers === 'levels' ? levelFor(visible, machine) : undefined;
  // A machine on which the level came to grief gets what is in it as singles, until it succeeds or another one comes.
  const within = new Set(
    visible
      .filter((one) => one.level !== undefined && one.recalled === undefined)
      .filter((one) => holds(machine, one) || (one === chosen && !machine.updates.has(one.bundleId)))
      .flatMap(({ fixIds }) => fixIds),
  );
  return visible.filter((one) => {
    if (isFixed(one) || one === chosen) return true;
    return one.level === undefined && !one.fixIds.every((fixId) => within.has(fixId));
  });
}

/**
 * The highest level that contains every fix which the machine holds. The kernel drops all other live patches for it: with one that
 * lacked a fix, the machine would be weaker than before. What was taken out there by itself isn't brought back by a level.
 */
function levelFor(visible: readonly FeedBundle[], machine: OfferedTo): FeedBundle | undefined {
  const unrecalled = visible.filter(({ recalled }) => recalled === undefined);
  const needed = new Set(unrecalled.filter((one) => holds(machine, one)).flatMap(({ fixIds }) => fixIds));
  const refused = new Set(
    unrecalled
      .filter(({ bundleId, level }) => level === undefined && machine.updates.get(bundleId) === 'taken-back')
      .flatMap(({ fixIds }) => fixIds),
  );
  let best: FeedBundle | undefined;
  for (const one of unrecalled) {
    if (one.level === undefined || one.level <= (best?.level ?? 0)) continue;
    const contained = new Set(one.fixIds);
    if (one.fixIds.some((fixId) => refused.has(fixId))) continue;
    if ([...needed].every((fixId) => contained.has(fixId))) best = one;
  }
  return best;
}

/**
 * A kernel's bundles that a machine may know of. A licence that has ended hides what is new and nothing else: what
 * the machine holds stays on the list, and so does every recall, since a machine may hold what it never reported.
 */
function visibleTo(bundles: readonly FeedBundle[], machine: OfferedTo, has: Entitlement): readonly FeedBundle[] {
  return bundles.filter((bundle) => {
    if (bundle.signature === undefined) return false;
    const applied = holds(machine, bundle);
    if (!applied && !isOut(bundle, machine.tier)) return false;
    const recalled = bundle.recalled !== undefined;
    return recalled || effectOn({ applied, recalled }, has) !== 'withhold';
  });
}

function holds({ updates }: OfferedTo, { bundleId }: FeedBundle): boolean {
  return updates.get(bundleId) === 'held';
}

function isOut(bundle: FeedBundle, tier: Tier): boolean {
  return bundle.signature !== undefined && bundle.reached !== undefined && tierReceives(tier, bundle.reached);
}
