import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { BlobStore } from '#libs/blobs';
import { type AssembledBundle, assembleBundle, encodeStatement } from '#libs/bundle';
import { type EventData, type Fact, levelContentSchema, seriesSchema } from '#libs/contracts';
import { EventStore, EventStoreError, PoisonMessage, type RecordedEvent, type StreamName } from '#libs/eventstore';
import { commandContext, stage } from '#libs/service';
import { SigningPolicy } from './adapters/signing-policy.js';
import type { BuildRun } from './domain/attestations.js';
import { bundleState, decideSigned } from './domain/bundle.js';
import { examine, type Verdict } from './domain/evidence.js';
import { examineLevel, type LevelEvidence } from './domain/level-evidence.js';
import { last } from './domain/reason.js';
import { dropOf, type Step } from './domain/step.js';
import { Keyring } from './ports.js';

/** Far above any live patch (a changed function is some kB), far below what a process can't hold. */
const maxModuleBytes = 32 * 1024 * 1024;
/** As diff reads it. */
const maxSeriesBytes = 256 * 1024 * 1024;

/** 100,000 functions. */
const maxContentBytes = 64 * 1024 * 1024;

/** What a bundle is of. */
type Contained = Pick<EventData<'BundleAssembled'>, 'fixIds' | 'kernelId' | 'level'>;

/** Makes a signed bundle of each hot patch and of each level. */
@Controller()
export class Sign {
  private readonly log = new Logger(Sign.name);

  constructor(
    private readonly events: EventStore,
    private readonly blobs: BlobStore,
    private readonly keyring: Keyring,
    private readonly policy: SigningPolicy,
  ) {}

  /**
   * Examines, attests, assembles, signs, records. Every step can be repeated: the same hot patch makes the same manifest, the same
   * bundle id and the same signatures (Ed25519 is deterministic), and the bytes are stored before an event names them.
   */
  @EventPattern('HotPatchBuilt', stage('sign'))
  async handle(@Payload() event: RecordedEvent): Promise<void> {
    if (event.fact.type !== 'HotPatchBuilt') throw new PoisonMessage(`${event.fact.type} is not for signing`);
    const built = event.fact.data;
    const bundle = await this.assemble(event, built);
    await this.sign(event, bundle, { fixIds: [built.fixId], kernelId: built.kernelId });
  }

  /** As for a single fix. */
  @EventPattern('LevelBuilt', stage('sign'))
  async level(@Payload() event: RecordedEvent): Promise<void> {
    if (event.fact.type !== 'LevelBuilt') throw new PoisonMessage(`${event.fact.type} is not for signing`);
    const { fixIds, kernelId, level } = event.fact.data;
    const bundle = await this.assembleLevel(event, event.fact.data);
    await this.sign(event, bundle, { fixIds, kernelId, level });
  }

  private async sign(event: RecordedEvent, bundle: AssembledBundle, of: Contained): Promise<void> {
    const stream: StreamName = `bundle.${bundle.bundleId}`;
    const past = await this.events.readStream(stream);
    const state = bundleState(past.events.map((one) => one.fact));
    if (state.signed) return;
    const facts = decideSigned(state, ...(await this.store(of, bundle)));
    try {
      await this.events.appendToStream(stream, past.revision, facts, commandContext(event, 'sign'));
    } catch (error) {
      // Another process was faster with the same bundle: there is nothing left to do.
      if (!(error instanceof EventStoreError) || error.code !== 'wrong-expected-revision') throw error;
      const now = await this.events.readStream(stream);
      if (!bundleState(now.events.map((one) => one.fact)).signed) throw error;
    }
    const what = of.level === undefined ? `fix ${of.fixIds.join()}` : `level ${of.level} of kernel ${of.kernelId}`;
    this.log.log(`signed bundle ${bundle.bundleId} of ${what}`);
  }

  private async assemble(event: RecordedEvent, built: EventData<'HotPatchBuilt'>): Promise<AssembledBundle> {
    const fix = await this.factsOf(event.stream);
    const verdict = examine({
      built,
      fix,
      kernel: await this.factsOf(`kernel.${built.kernelId}`),
      module: await this.blobs.read(built.module.digest, maxModuleBytes),
      ...(await this.stepOf(dropOf(fix))),
      run: this.runOf(event),
    });
    return this.assembleIfSound(verdict, `the hot patch of fix ${built.fixId}`);
  }

  private async assembleLevel(event: RecordedEvent, built: EventData<'LevelBuilt'>): Promise<AssembledBundle> {
    const content = await this.blobs.read(built.content, maxContentBytes);
    const steps = new Map<string, { readonly step?: Step }>();
    const fixes: [string, { readonly facts: readonly Fact[]; readonly step?: Step }][] = [];
    for (const fixId of built.fixIds) {
      const facts = await this.factsOf(`fix.${fixId}`);
      const dropId = dropOf(facts) ?? '';
      const step = steps.get(dropId) ?? (await this.stepOf(dropId));
      steps.set(dropId, step);
      fixes.push([fixId, { facts, ...step }]);
    }
    const evidence: LevelEvidence = {
      built,
      level: await this.factsOf(event.stream),
      kernel: await this.factsOf(`kernel.${built.kernelId}`),
      module: await this.blobs.read(built.module.digest, maxModuleBytes),
      content: levelContentSchema.parse(JSON.parse(content.toString('utf8'))),
      fixes: new Map(fixes),
      run: this.runOf(event),
    };
    return this.assembleIfSound(examineLevel(evidence), `level ${built.level} of kernel ${built.kernelId}`);
  }

  private async assembleIfSound(verdict: Verdict, what: string): Promise<AssembledBundle> {
    if ('refused' in verdict) {
      const reasons = verdict.refused.map((one) => `${one.code}: ${one.reason}`).join('; ');
      throw new PoisonMessage(`${what} must not be signed: ${reasons}`);
    }
    const { input, payloads, statements } = verdict;
    const envelopes = new Map<string, Buffer>();
    for (const { path, predicateType } of input.attestations ?? []) {
      const statement = statements.find((one) => one.predicateType === predicateType);
      if (statement !== undefined) envelopes.set(path, await this.keyring.signStatement(encodeStatement(statement)));
    }
    return assembleBundle(input, payloads, envelopes);
  }

  private runOf({ envelope }: RecordedEvent): BuildRun {
    return { eventId: envelope.id, at: envelope.at, builderId: this.policy.builderId };
  }

  /** How a drop was split, as the log and the series itself say. */
  private async stepOf(dropId: string | undefined): Promise<{ readonly step?: Step }> {
    if (dropId === undefined || dropId === '') return {};
    const split = last(await this.factsOf(`drop.${dropId}`), 'DropSplit');
    if (split === undefined) return {};
    const bytes = await this.blobs.read(split.series, maxSeriesBytes);
    return { step: { split, series: seriesSchema.parse(JSON.parse(bytes.toString('utf8'))) } };
  }

  private async store(
    of: Contained,
    bundle: AssembledBundle,
  ): Promise<[EventData<'BundleAssembled'>, EventData<'BundleSigned'>]> {
    const { bundleId } = bundle;
    const manifest = await this.blobs.put(bundle.manifestBytes);
    const artefact = await this.blobs.put(bundle.artefact);
    const { jws, keyIds } = await this.keyring.signManifest(bundle.manifestBytes);
    const signature = await this.blobs.put(Buffer.from(jws));
    return [
      {
        bundleId,
        ...of,
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
