import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { ArchiveError, type DropSummary, openSourceDrop } from '#libs/archive';
import { BlobError, BlobStore } from '#libs/blobs';
import { type Digest, type EventData, type Fact, fact } from '#libs/contracts';
import { EventStore, PoisonMessage, type RecordedEvent, RetryLater, type StreamName } from '#libs/eventstore';
import { ChangelogError, parseChangelog } from '#libs/patchsplit';
import { Clock, commandContext, stage } from '#libs/service';
import { TreeError, TreeStore, writeArchive } from '#libs/trees';
import { dropState, needsUnpacking } from './domain/drop.js';

const diskFullDelayMs = 30_000;

/** Unpacks each source drop that is received into a git tree and a changelog, or rejects it. */
@Controller()
export class Ingest {
  private readonly log = new Logger(Ingest.name);

  constructor(
    private readonly events: EventStore,
    private readonly blobs: BlobStore,
    private readonly trees: TreeStore,
    private readonly clock: Clock,
  ) {}

  /** Tree and changelog are whole in their stores before the one event that names them: killed anywhere, it starts again. */
  @EventPattern('SourceDropReceived', stage('ingest'))
  async handle(@Payload() event: RecordedEvent): Promise<void> {
    if (event.fact.type !== 'SourceDropReceived') throw new PoisonMessage(`${event.fact.type} is no drop`);
    const received = event.fact.data;
    const stream: StreamName = `drop.${received.dropId}`;
    const past = await this.events.readStream(stream);
    if (!needsUnpacking(dropState(past.events.map((one) => one.fact)))) return;
    const outcome = await this.unpackOrReject(received);
    await this.events.appendToStream(stream, past.revision, [outcome], commandContext(event, 'ingest'));
  }

  private async unpackOrReject(received: EventData<'SourceDropReceived'>): Promise<Fact> {
    const { dropId, fileName } = received;
    try {
      return fact('SourceDropUnpacked', await this.unpack(received));
    } catch (error) {
      if (isDiskFull(error)) {
        this.log.error(`the disk is full: drop ${dropId} waits (${String(error)})`);
        throw new RetryLater(diskFullDelayMs, 'the disk is full');
      }
      if (!(error instanceof ArchiveError) || error.code === 'read-failed') throw error;
      this.log.warn(`rejected drop ${dropId} (${fileName}): ${error.message}`);
      const reasons = [{ code: error.code, reason: error.message.slice(0, 4096), object: fileName }];
      return fact('SourceDropRejected', { dropId, reasons });
    }
  }

  private async unpack(received: EventData<'SourceDropReceived'>): Promise<EventData<'SourceDropUnpacked'>> {
    const { dropId, fileName } = received;
    const start = this.clock.now().getTime();
    const drop = await openSourceDrop(await this.blobs.localPath(received.archive), fileName);
    const written = await writeArchive(this.trees, drop.entries);
    const summary = drop.summary();
    for (const notice of summary.notices) this.log.warn(`drop ${dropId}: ${notice}`);
    const changelog = await this.storeChangelog(dropId, summary);
    const durationMs = Math.max(0, this.clock.now().getTime() - start);
    this.log.log(
      `unpacked drop ${dropId} (${fileName}): ${written.files} files, tree ${written.tree}, ${durationMs} ms`,
    );
    const { format } = drop;
    const { version } = summary;
    return { dropId, format, version, ...written, ...(changelog ? { changelog } : {}), durationMs };
  }

  /** A changelog that can't be read costs the attribution, not the drop. */
  private async storeChangelog(dropId: string, { changelog }: DropSummary): Promise<Digest | undefined> {
    if (!changelog) return undefined;
    try {
      const parsed = parseChangelog(changelog.text);
      return (await this.blobs.put(Buffer.from(JSON.stringify(parsed)))).digest;
    } catch (error) {
      if (!(error instanceof ChangelogError)) throw error;
      this.log.warn(`drop ${dropId}: its changelog can't be read (${error.message})`);
      return undefined;
    }
  }
}

function isDiskFull(error: unknown): boolean {
  if (error instanceof BlobError || error instanceof TreeError) return error.code === 'no-space';
  if (!(error instanceof Error)) return false;
  if ('code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) return true;
  return isDiskFull(error.cause);
}
