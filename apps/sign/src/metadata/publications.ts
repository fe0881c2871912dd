import { Injectable } from '@nestjs/common';
import { BlobStore } from '#libs/blobs';
import { digestOf } from '#libs/contracts';
import { type CommitContext, EventStore, EventStoreError } from '#libs/eventstore';
import { Repository, standardPolicy } from '#libs/tuf';
import { LogFiles, type PublicationExtra } from '../adapters/log-files.js';
import { metadataStream } from '../domain/metadata-index.js';
import { MetadataSigners } from '../ports.js';
import { LiveTrust } from '../projections/live-trust.js';

/** Who causes a publication. */
export type Cause = Omit<CommitContext, 'commandId'>;

/** The service itself does, because time goes by. */
export const byItself: Cause = { actor: 'sign', correlationId: 'metadata' };

/** What happens in one publication. What it writes is seen at once when it is through, and never if it throws. */
export type Act = (repository: Repository, files: LogFiles) => Promise<PublicationExtra | undefined>;

const maxAttempts = 5;

/** Publishes: one at a time here, and by the log's own revision one at a time everywhere. */
@Injectable()
export class Publications {
  private tail: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly events: EventStore,
    private readonly blobs: BlobStore,
    private readonly live: LiveTrust,
    private readonly signers: MetadataSigners,
  ) {}

  /**
   * Lets `act` write to the repository, and records all of it in one commit. It is called again, on what is there then, if another
   * process has published meanwhile.
   * @returns whether there was anything to publish.
   */
  publish(cause: Cause, act: Act): Promise<boolean> {
    const turn = this.tail.then(() => this.attempts(cause, act));
    this.tail = turn.catch(() => undefined);
    return turn;
  }

  private async attempts(cause: Cause, act: Act): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.once(cause, act);
      } catch (error) {
        const isRace = error instanceof EventStoreError && error.code === 'wrong-expected-revision';
        if (!isRace || attempt >= maxAttempts) throw error;
      }
    }
  }

  private async once(cause: Cause, act: Act): Promise<boolean> {
    await this.live.caughtUp();
    const { metadata } = this.live;
    const { revision } = metadata;
    const files = new LogFiles(metadata, this.blobs);
    const repository = await Repository.open(files, this.signers, standardPolicy, metadata.floor);
    const facts = files.facts(await act(repository, files));
    if (facts.length === 0) return false;
    const commandId = `metadata:${digestOf(JSON.stringify(facts)).slice(0, 32)}`;
    const appended = await this.events.appendToStream(metadataStream, revision, facts, { ...cause, commandId });
    await this.live.caughtUp(appended.revision);
    return true;
  }
}
