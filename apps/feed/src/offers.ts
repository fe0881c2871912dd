import { Injectable, Logger } from '@nestjs/common';
import { BlobStore } from '#libs/blobs';
import { digestOf, type Reason, type RunningKernel, type UpdatesResponse } from '#libs/contracts';
import type { Entitlement } from '#libs/licensing';
import { type FeedBundle, kernelKey, offer, type OfferedTo } from './domain/offer.js';
import type { FeedIndex } from './projections/feed-index.js';

const maxSignatureBytes = 65_536;
/** Of the contract; a kernel release has some hundreds. */
const maxBundles = 10_000;
/** So many kinds of machines are remembered, each with a list of references. */
const maxKnown = 4_096;

type Described = UpdatesResponse['bundles'][number];

/** What a machine is offered, and a tag that is another one whenever that is. */
export interface Offer {
  readonly bundles: readonly Described[];
  /** Why nothing new is among them, where the machine can't know it by its lease. */
  readonly withheld?: readonly Reason[];
  readonly etag: string;
}

/** Everything of a machine that its offer follows from. */
export interface OfferedMachine extends OfferedTo {
  readonly kernel: RunningKernel;
  readonly has: Entitlement;
  /** A lease that has ended says itself that nothing new comes. */
  readonly isLeased: boolean;
}

/**
 * What machines are offered. Machines that are alike in everything that counts are offered the same, and a fleet is alike: it is worked out
 * once for all of them, until a bundle or the metadata changes. What a single machine may have, its lease and its licence, is decided anew
 * at each request, and is a part of what makes machines alike.
 */
@Injectable()
export class Offers {
  private readonly log = new Logger(Offers.name);
  private readonly known = new Map<string, Offer>();
  private generation = -1;
  /** By the bundle as the index has it, which is another one after each change. */
  private readonly described = new WeakMap<FeedBundle, Described>();
  /** Of what was reported; by the map, which is another one after each report. */
  private readonly reported = new WeakMap<OfferedTo['updates'], string>();

  constructor(private readonly blobs: BlobStore) {}

  async of(index: FeedIndex, machine: OfferedMachine): Promise<Offer> {
    const { generation } = index;
    if (generation !== this.generation) this.known.clear();
    this.generation = generation;
    const likeness = this.likenessOf(machine);
    const known = this.known.get(likeness);
    if (known !== undefined) return known;
    const offered = this.bundlesFor(index, machine);
    const bundles = await Promise.all(offered.map(async (one) => this.described.get(one) ?? this.describe(one)));
    const told = bundles.filter((one) => one !== undefined);
    const withheld = withheldFrom(machine);
    const said = withheld === undefined ? { bundles: told } : { bundles: told, withheld };
    const made = { ...said, etag: `"${digestOf(JSON.stringify(said)).slice(0, 20)}"` };
    // While signatures were read the index may have gone on; and one that can't be read now may be there the next time.
    if (generation === index.generation && told.length === offered.length) this.remember(likeness, made);
    return made;
  }

  private bundlesFor(index: FeedIndex, { kernel, tier, updates, prefers, has }: OfferedMachine): readonly FeedBundle[] {
    // What no machine would trust yet is offered to none that doesn't hold it; a recall is always told.
    const trusted = index
      .bundlesFor(kernel)
      .filter(
        ({ bundleId, recalled }) =>
          recalled !== undefined || updates.has(bundleId) || index.metadata.vouchesFor(bundleId),
      );
    return offer(trusted, { tier, updates, prefers }, has).slice(-maxBundles);
  }

  private likenessOf(machine: OfferedMachine): string {
    const { kernel, tier, prefers, has, updates } = machine;
    let reported = this.reported.get(updates);
    if (reported === undefined) {
      reported = digestOf(JSON.stringify([...updates]));
      this.reported.set(updates, reported);
    }
    return `${kernelKey(kernel)} ${tier} ${prefers} ${has.entitled} ${JSON.stringify(withheldFrom(machine))} ${reported}`;
  }

  private remember(likeness: string, made: Offer): void {
    const [oldest] = this.known.keys();
    if (this.known.size >= maxKnown && oldest !== undefined) this.known.delete(oldest);
    this.known.set(likeness, made);
  }

  private async describe(bundle: FeedBundle): Promise<Described | undefined> {
    const { bundleId, artefact, sizeBytes, recalled, fixIds, level } = bundle;
    const signature = await this.signatureOf(bundle);
    if (signature === undefined) return undefined;
    const described = {
      bundleId,
      artefact: { path: `/v1/bundles/${bundleId}/artefact`, sha256: artefact, length: sizeBytes },
      signature,
      fixIds: [...fixIds],
      ...(level === undefined ? {} : { level }),
      ...(recalled === undefined ? {} : { recalled }),
    };
    this.described.set(bundle, described);
    return described;
  }

  /** One signature that can't be read must not hide all other fixes: it is left out, and said loudly here. */
  private async signatureOf({ bundleId, signature }: FeedBundle): Promise<string | undefined> {
    if (signature === undefined) return undefined;
    try {
      return (await this.blobs.read(signature, maxSignatureBytes)).toString('utf8');
    } catch (error) {
      this.log.error(`bundle ${bundleId} is not offered, its signature can't be read: ${String(error)}`);
      return undefined;
    }
  }
}

function withheldFrom({ has, isLeased }: OfferedMachine): readonly Reason[] | undefined {
  return has.entitled || !isLeased ? undefined : has.reasons;
}
