import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { BlobStore } from '#libs/blobs';
import { type AssembledBundle, assembleBundle } from '#libs/bundle';
import { type EventData, type Fact, type SeriesCommit, seriesSchema } from '#libs/contracts';
import { EventStore, EventStoreError, PoisonMessage, type RecordedEvent, type StreamName } from '#libs/eventstore';
import { commandContext, stage } from '#libs/service';
import { bundleState, decideSigned } from './domain/bundle.js';
import { examine } from './domain/evidence.js';
import { Keyring } from './ports.js';

/** Far above any live patch (a changed function is some kB), far below what a process can't hold. */
const maxModuleBytes = 32 * 1024 * 1024;
/** As diff reads it. */
const maxSeriesBytes = 256 * 1024 * 1024;

/** Makes a signed bundle of each hot patch. */
@Controller()
export class Sign {
  private readonly log = new Logger(Sign.name);

  constructor(
    private readonly events: EventStore,
    private readonly blobs: BlobStore,
    private readonly keyring: Keyring,
  ) {}

  /**
   * Examines, assembles, signs, records. Every step can be repeated: the same hot patch makes the same manifest, the same
   * bundle id and the same signatures (Ed25519 is deterministic), and the bytes are stored before an event names them.
   */
  @EventPattern('HotPatchBuilt', stage('sign'))
  async handle(@Payload() event: RecordedEvent): Promise<void> {
    if (event.fact.type !== 'HotPatchBuilt') throw new PoisonMessage(`${event.fact.type} is not for signing`);
    const built = event.fact.data;
    const bundle = await this.assemble(event.stream, built);
    const stream: StreamName = `bundle.${bundle.bundleId}`;
    const past = await this.events.readStream(stream);
    const state = bundleState(past.events.map((one) => one.fact));
    if (state.signed) return;
    const facts = decideSigned(state, ...(await this.store(built, bundle)));
    try {
      await this.events.appendToStream(stream, past.revision, facts, commandContext(event, 'sign'));
    } catch (error) {
      // Another process was faster with the same bundle: there is nothing left to do.
      if (!(error instanceof EventStoreError) || error.code !== 'wrong-expected-revision') throw error;
      const now = await this.events.readStream(stream);
      if (!bundleState(now.events.map((one) => one.fact)).signed) throw error;
    }
    this.log.log(`signed bundle ${bundle.bundleId} of fix ${built.fixId}`);
  }

  private async assemble(fixStream: StreamName, built: EventData<'HotPatchBuilt'>): Promise<AssembledBundle> {
    const fix = await this.factsOf(fixStream);
    const verdict = examine({
      built,
      fix,
      kernel: await this.factsOf(`kernel.${built.kernelId}`),
      module: await this.blobs.read(built.module.digest, maxModuleBytes),
      ...(built.brings === undefined ? {} : { series: await this.seriesOf(fix) }),
    });
    if ('refused' in verdict) {
      const reasons = verdict.refused.map((one) => `${one.code}: ${one.reason}`).join('; ');
      throw new PoisonMessage(`the hot patch of fix ${built.fixId} must not be signed: ${reasons}`);
    }
    return assembleBundle(verdict.input, verdict.payloads);
  }

  /** The commits that a fix's drop was split into; none where it isn't from one. */
  private async seriesOf(fix: readonly Fact[]): Promise<readonly SeriesCommit[]> {
    const proposed = fix.findLast(({ type }) => type === 'FixProposed');
    if (proposed?.type !== 'FixProposed' || proposed.data.source.kind !== 'commit') return [];
    const split = (await this.factsOf(`drop.${proposed.data.source.dropId}`)).findLast(
      ({ type }) => type === 'DropSplit',
    );
    if (split?.type !== 'DropSplit') return [];
    const bytes = await this.blobs.read(split.data.series, maxSeriesBytes);
    return seriesSchema.parse(JSON.parse(bytes.toString('utf8'))).commits;
  }

  private async store(
    built: EventData<'HotPatchBuilt'>,
    bundle: AssembledBundle,
  ): Promise<[EventData<'BundleAssembled'>, EventData<'BundleSigned'>]> {
    const { bundleId } = bundle;
    const { fixId, kernelId } = built;
    const manifest = await this.blobs.put(bundle.manifestBytes);
    const artefact = await this.blobs.put(bundle.artefact);
    const { jws, keyIds } = await this.keyring.signManifest(bundle.manifestBytes);
    const signature = await this.blobs.put(Buffer.from(jws));
    return [
      {
        bundleId,
        fixId,
        kernelId,
        manifest: manifest.digest,
        artefact: artefact.digest,
        sizeBytes: artefact.sizeBytes,
      },
      { bundleId, signature: signature.digest, keyIds: [...keyIds] },
    ];
  }

  private async factsOf(stream: StreamName): Promise<readonly Fact[]> {
    return (await this.events.readStream(stream)).events.map((event) => event.fact);
  }
}
