import { Injectable } from '@nestjs/common';
import { BlobStore } from '#libs/blobs';
import { fact } from '#libs/contracts';
import { EventStore, EventStoreError } from '#libs/eventstore';
import { Clock } from '#libs/service';
import { metadataStream } from '../domain/metadata-index.js';
import { LiveTrust } from '../projections/live-trust.js';
import { OfflineRoles } from './offline-roles.js';
import { byItself, Publications } from './publications.js';
import { Publisher } from './publisher.js';

const hourMs = 60 * 60 * 1000;
/** A timestamp holds for 24 hours: one that is signed each hour leaves a day to notice that none is. */
const timestampEveryMs = hourMs;
/**
 * How long what was superseded stays. A client that began with a timestamp goes on with the files of its state, and a mirror may serve
 * a timestamp as long as it holds.
 */
const keepMs = 25 * hourMs;
const filesAtOnce = 2_000;
const rolesAtOnce = 500;

/** What time asks for: new timestamps, new signatures before the old ones end, and old files out of the way. */
@Injectable()
export class Upkeep {
  constructor(
    private readonly publications: Publications,
    private readonly publisher: Publisher,
    private readonly offline: OfflineRoles,
    private readonly live: LiveTrust,
    private readonly events: EventStore,
    private readonly blobs: BlobStore,
    private readonly clock: Clock,
  ) {}

  /** Brings everything to where it should be: at each start, and each day. */
  async daily(): Promise<void> {
    await this.live.caughtUp();
    await this.offline.restore();
    await this.publisher.restoreRoles();
    await this.publications.publish(byItself, async (repository) => {
      await repository.rekey(this.clock.now().getTime());
      return undefined;
    });
    await this.publisher.reconcile(byItself);
    await this.hourly();
    await this.renewDue();
    await this.prune();
  }

  /** A new timestamp, unless somebody has published within the hour. */
  async hourly(): Promise<void> {
    await this.publications.publish(byItself, async (repository) => {
      const nowMs = this.clock.now().getTime();
      const isFresh = nowMs - this.live.metadata.publishedMs < timestampEveryMs;
      if (repository.topTargets === undefined || isFresh) return undefined;
      await repository.renew(nowMs, 'none');
      return undefined;
    });
  }

  private async renewDue(): Promise<void> {
    while ((await this.renewSome()) >= rolesAtOnce) continue;
  }

  private async renewSome(): Promise<number> {
    let renewed = 0;
    await this.publications.publish(byItself, async (repository, files) => {
      if (repository.topTargets === undefined) return undefined;
      renewed = (await repository.renew(this.clock.now().getTime(), 'due', rolesAtOnce)).length;
      // The timestamp alone is the hour's work.
      if (renewed === 0) files.forget();
      return undefined;
    });
    return renewed;
  }

  /**
   * Forgets files that no client can still ask for. Said in the log first: a crash in between leaves bytes that nobody asks for, never
   * a name without bytes.
   */
  private async prune(): Promise<void> {
    const { metadata } = this.live;
    await this.remove(metadata.pruned);
    for (;;) {
      await this.live.caughtUp();
      const old = metadata.supersededBefore(this.clock.now().getTime() - keepMs, filesAtOnce);
      if (old.length === 0) return;
      const files = old.map(({ name, digest }) => ({ name, digest }));
      if (!(await this.record(files))) return;
      await this.remove(files);
    }
  }

  /** @returns whether it was; if somebody published meanwhile, tomorrow is early enough. */
  private async record(files: readonly { readonly name: string; readonly digest: string }[]): Promise<boolean> {
    const { revision } = this.live.metadata;
    const context = { ...byItself, commandId: `prune:${revision}` };
    const pruned = fact('MetadataPruned', { files: [...files] });
    try {
      const appended = await this.events.appendToStream(metadataStream, revision, [pruned], context);
      await this.live.caughtUp(appended.revision);
      return true;
    } catch (error) {
      if (error instanceof EventStoreError && error.code === 'wrong-expected-revision') return false;
      throw error;
    }
  }

  private async remove(files: readonly { readonly digest: string }[]): Promise<void> {
    const inUse = new Set(this.live.metadata.current().map(({ digest }) => digest));
    const { recalls } = this.live.metadata;
    for (const { digest } of files)
      if (!inUse.has(digest) && digest !== recalls?.digest) await this.blobs.remove(digest);
  }
}
