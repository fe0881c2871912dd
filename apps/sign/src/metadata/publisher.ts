import { Injectable, Logger } from '@nestjs/common';
import { BlobStore } from '#libs/blobs';
import {
  bundleTargetName,
  digestOf,
  maxRecallListBytes,
  type RecallList,
  recallListPath,
  recallListSchema,
} from '#libs/contracts';
import { Clock } from '#libs/service';
import { type NewTarget, type ReleaseAddition, releaseRole, type Repository, TufError } from '#libs/tuf';
import type { PublicationExtra } from '../adapters/log-files.js';
import type { WantedBundle } from '../domain/wanted.js';
import { LiveTrust } from '../projections/live-trust.js';
import { OfflineRoles } from './offline-roles.js';
import { byItself, type Cause, Publications } from './publications.js';
import { Voucher } from './voucher.js';

/** What one publication takes on: its event must stay far below what a message may hold. */
const rolesAtOnce = 500;
const bundlesAtOnce = 2_000;

const recallListName = recallListPath.slice('recall/'.length);

/** Brings the signed metadata to what the log wants: a bundle signed, a bundle recalled. Doing so again changes nothing. */
@Injectable()
export class Publisher {
  private readonly log = new Logger(Publisher.name);
  /** Bundles that are not vouched for, and why; looked at once by each process. */
  private readonly refusals = new Map<string, string>();

  constructor(
    private readonly publications: Publications,
    private readonly offline: OfflineRoles,
    private readonly voucher: Voucher,
    private readonly live: LiveTrust,
    private readonly blobs: BlobStore,
    private readonly clock: Clock,
  ) {}

  /** Why a bundle isn't vouched for; undefined if it is, or waits for its channel. */
  refusalOf(bundleId: string): string | undefined {
    return this.refusals.get(bundleId);
  }

  /** How many bundles of each channel wait for the top-level targets to name it. */
  waiting(): ReadonlyMap<string, number> {
    const waiting = new Map<string, number>();
    for (const { channel } of this.missing()) waiting.set(channel, (waiting.get(channel) ?? 0) + 1);
    return waiting;
  }

  /** Publishes what is missing. */
  async reconcile(cause: Cause, position = 0): Promise<void> {
    await this.live.caughtUp(position);
    const channels = new Set(this.missing().map(({ channel }) => channel));
    await this.offline.holdHere([...channels]);
    await this.vouch(cause);
    await this.recall(cause);
  }

  /** Makes roles again whose files are lost. */
  async restoreRoles(): Promise<void> {
    const { metadata } = this.live;
    const isThere = await Promise.all(metadata.current().map(({ digest }) => this.blobs.stat(digest)));
    if (isThere.every((one) => one !== undefined)) return;
    await this.offline.restore();
    const contents = (role: string): Promise<readonly NewTarget[]> => this.contentsOf(role);
    while ((await this.restoreSome(contents)) >= rolesAtOnce) continue;
  }

  private async restoreSome(contents: (role: string) => Promise<readonly NewTarget[]>): Promise<number> {
    let made: string[] = [];
    await this.publications.publish(byItself, async (repository) => {
      const nowMs = this.clock.now().getTime();
      made = await repository.restore(contents, nowMs, rolesAtOnce);
      // Snapshot or timestamp may be what is lost.
      if (made.length === 0 && repository.topTargets !== undefined) await repository.renew(nowMs, 'none');
      return undefined;
    });
    if (made.length > 0) this.log.warn(`made again, for their files were lost: ${made.slice(0, 20).join(', ')}`);
    return made.length;
  }

  private missing(): WantedBundle[] {
    const { wanted, metadata } = this.live;
    return [...wanted.bundles()].filter(
      ({ bundleId }) =>
        !metadata.isVouchedFor(bundleId) && !wanted.isRecalled(bundleId) && !this.refusals.has(bundleId),
    );
  }

  private async vouch(cause: Cause): Promise<void> {
    // A role that can't take its bundles must not keep the others from theirs: then each is tried alone.
    let isAlone = false;
    while (this.missing().length > 0) {
      let batch: readonly WantedBundle[] = [];
      try {
        const published = await this.publications.publish(cause, async (repository) => {
          batch = nextBatch(this.missing(), new Set(repository.channels()), isAlone ? 1 : rolesAtOnce);
          return this.vouchFor(repository, batch);
        });
        if (batch.length === 0) return;
        if (published) isAlone = false;
      } catch (error) {
        if (!(error instanceof TufError) || !['role-full', 'invalid-name'].includes(error.code)) throw error;
        if (isAlone) for (const { bundleId } of batch) this.refuse(bundleId, `${error.code}: ${error.message}`);
        isAlone = !isAlone;
      }
    }
  }

  private async vouchFor(
    repository: Repository,
    batch: readonly WantedBundle[],
  ): Promise<PublicationExtra | undefined> {
    const additions = new Map<
      string,
      { channel: string; release: string; bundles: NewTarget[]; expendable: string[] }
    >();
    const bundleIds: string[] = [];
    for (const bundle of batch) {
      const target = await this.voucher.examine(bundle);
      if ('refused' in target) {
        this.refuse(bundle.bundleId, target.refused);
        continue;
      }
      const { channel, release } = bundle;
      const key = `${channel}/${release}`;
      const addition = additions.get(key) ?? {
        channel,
        release,
        bundles: [],
        expendable: this.withdrawn(channel, release),
      };
      addition.bundles.push(target);
      additions.set(key, addition);
      bundleIds.push(bundle.bundleId);
    }
    if (bundleIds.length === 0) return undefined;
    const all: readonly ReleaseAddition[] = [...additions.values()];
    await repository.addReleases(all, this.clock.now().getTime());
    this.log.log(`the metadata vouches for ${bundleIds.length} more: ${[...additions.keys()].slice(0, 10).join(', ')}`);
    return { bundleIds };
  }

  private async recall(cause: Cause): Promise<void> {
    // Not only what is new: one that machines kept may have become one that they take back.
    const isSaid = (): boolean => this.live.metadata.recalls?.digest === digestOf(this.recallBytes());
    if (isSaid()) return;
    await this.publications.publish(cause, async (repository) => {
      if (repository.topTargets === undefined || isSaid()) return undefined;
      const fresh = newRecalls(await this.saidRecalls(), this.live.wanted.recalls);
      const target = await this.recallList();
      await repository.setNotice('recall', [target], this.clock.now().getTime());
      return {
        recalls: { digest: target.sha256, sizeBytes: target.length },
        ...(fresh.length === 0 ? {} : { recalledIds: fresh.slice(-5_000) }),
      };
    });
  }

  /** The list that is published; empty where its bytes are lost, so that all of it is said once more. */
  private async saidRecalls(): Promise<RecallList['recalls']> {
    const { recalls } = this.live.metadata;
    if (recalls === undefined || (await this.blobs.stat(recalls.digest)) === undefined) return [];
    const bytes = await this.blobs.read(recalls.digest, maxRecallListBytes);
    return recallListSchema.parse(JSON.parse(bytes.toString('utf8'))).recalls;
  }

  /** The whole list, as the log has it, in the blobs. */
  private async recallList(): Promise<NewTarget> {
    const { digest, sizeBytes } = await this.blobs.put(this.recallBytes(), { maxBytes: maxRecallListBytes });
    return { name: recallListName, length: sizeBytes, sha256: digest };
  }

  private recallBytes(): Buffer {
    const list: RecallList = recallListSchema.parse({ schema: 1, recalls: this.live.wanted.recalls });
    return Buffer.from(JSON.stringify(list));
  }

  /** What a role that is lost vouched for. */
  private async contentsOf(role: string): Promise<readonly NewTarget[]> {
    if (role === 'recall') return [await this.recallList()];
    const { wanted, metadata } = this.live;
    const targets: NewTarget[] = [];
    for (const bundle of wanted.bundles()) {
      if (`${bundle.channel}/${bundle.release}` !== role || !metadata.isVouchedFor(bundle.bundleId)) continue;
      const target = await this.voucher.examine(bundle);
      if ('refused' in target) this.log.error(`bundle ${bundle.bundleId} is no longer vouched for: ${target.refused}`);
      else targets.push(target);
    }
    return targets;
  }

  private withdrawn(channel: string, release: string): string[] {
    const role = releaseRole(channel, release);
    const { wanted } = this.live;
    return wanted.recalls.flatMap(({ bundleId }) => {
      const bundle = wanted.bundle(bundleId);
      return bundle !== undefined && `${bundle.channel}/${bundle.release}` === role ? [bundleTargetName(bundleId)] : [];
    });
  }

  private refuse(bundleId: string, reason: string): void {
    this.refusals.set(bundleId, reason);
    this.log.error(`bundle ${bundleId} is not vouched for: ${reason}`);
  }
}

/** Bundles that are withdrawn from now on, or that machines kept and take back from now on: whoever listens is told of these. */
function newRecalls(said: RecallList['recalls'], wanted: RecallList['recalls']): string[] {
  const before = new Map(said.map(({ bundleId, keep }) => [bundleId, keep === true]));
  const isNew = ({ bundleId, keep }: RecallList['recalls'][number]): boolean =>
    before.get(bundleId) !== (keep === true);
  return wanted.filter(isNew).map(({ bundleId }) => bundleId);
}

/** The oldest of what is missing, within what one publication takes on. */
function nextBatch(
  missing: readonly WantedBundle[],
  channels: ReadonlySet<string>,
  maxRoles: number,
): readonly WantedBundle[] {
  const roles = new Set<string>();
  const batch: WantedBundle[] = [];
  for (const bundle of missing) {
    if (!channels.has(bundle.channel)) continue;
    const role = `${bundle.channel}/${bundle.release}`;
    if (!roles.has(role) && roles.size >= maxRoles) continue;
    roles.add(role);
    batch.push(bundle);
    if (batch.length >= (maxRoles === 1 ? 1 : bundlesAtOnce)) break;
  }
  return batch;
}
