import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { BlobStore } from '#libs/blobs';
import type { AggregateId, EventData, Fact } from '#libs/contracts';
import { EventStore, PoisonMessage, type RecordedEvent, type StreamName } from '#libs/eventstore';
import {
  buildFix,
  type BuildOutcome,
  type BuildRequest,
  buildSeriesFix,
  type BuiltObject,
  needsEarlierCommits,
  type Refusal,
  SeriesHistory,
} from '#libs/hotpatch';
import { Clock, commandContext, stage } from '#libs/service';
import { TreeError, TreeStore } from '#libs/trees';
import { storedFix } from './adapters/stored-tree.js';
import { awaitedKernel } from './awaited-kernel.js';
import { decideBuilt, decideRefused, isSettled, moduleNameOf, type StoredObject } from './domain/fix.js';
import type { KernelState } from './domain/kernel.js';
import { Profiles } from './ports.js';

export const maxPatchBytes = 64 * 1024 * 1024;

/** Makes a live patch of each proposed fix, or refuses it with every reason. */
@Controller()
export class Build {
  private readonly log = new Logger(Build.name);

  constructor(
    private readonly events: EventStore,
    private readonly blobs: BlobStore,
    private readonly trees: TreeStore,
    private readonly profiles: Profiles,
    private readonly clock: Clock,
  ) {}

  /** Bytes are stored before the one commit that names them: killed anywhere, it starts again from the event. */
  @EventPattern('FixProposed', stage('build'))
  async handle(@Payload() event: RecordedEvent): Promise<void> {
    if (event.fact.type !== 'FixProposed') throw new PoisonMessage(`${event.fact.type} is no fix`);
    const proposed = event.fact.data;
    const stream: StreamName = `fix.${proposed.fixId}`;
    const past = await this.events.readStream(stream);
    if (isSettled(past.events.map((one) => one.fact))) return;
    const kernel = await awaitedKernel(this.events, proposed.kernelId);
    const start = this.clock.now().getTime();
    const outcome = await this.build(proposed, kernel);
    const facts = await this.record(proposed, outcome, start);
    await this.events.appendToStream(stream, past.revision, facts, commandContext(event, 'build'));
    this.log.log(`fix ${proposed.fixId} (${proposed.subject}): ${summary(outcome)}`);
  }

  private async build(proposed: EventData<'FixProposed'>, kernel: KernelState): Promise<BuildOutcome> {
    const { fixId, kernelId, baseTree } = proposed;
    if (!kernel.imported || !kernel.received) {
      return refusedAtApply([{ code: 'kernel-rejected', reason: `kernel ${kernelId} could not be imported` }]);
    }
    const split = await this.seriesOf(proposed);
    if (split !== undefined) return await this.buildCommit(proposed, split, kernel.received);
    const patch = await this.blobs.read(proposed.patch, maxPatchBytes);
    let patchedTree: string;
    try {
      patchedTree = await this.trees.applyPatch(baseTree, patch);
    } catch (error) {
      if (!(error instanceof TreeError) || error.code !== 'patch-does-not-apply') throw error;
      const paths = error.paths.length > 0 ? error.paths : proposed.paths;
      return refusedAtApply(paths.map((path) => needsEarlierCommits(path)));
    }
    const fix = await storedFix(this.trees, baseTree, patchedTree);
    return await buildFix({ ...(await this.target(fixId, kernel.received)), fix });
  }

  private async target(
    fixId: AggregateId,
    { kernelId, packages }: EventData<'KernelReceived'>,
  ): Promise<Omit<BuildRequest, 'fix'>> {
    const profile = await this.profiles.open(kernelId, packages);
    return { profile, moduleName: moduleNameOf(fixId), replace: false, tags: { splicecast_fix: fixId } };
  }

  /** A commit of a series brings the earlier ones that it can't do without; anyone's own patch has to stand alone. */
  private async buildCommit(
    { fixId, source }: EventData<'FixProposed'>,
    { head, onto }: EventData<'DropSplit'>,
    received: EventData<'KernelReceived'>,
  ): Promise<BuildOutcome> {
    const series = await this.trees.series(head, onto);
    try {
      const commits = source.kind === 'commit' ? [source.commit] : [];
      const target = await this.target(fixId, received);
      return await buildSeriesFix({ ...target, history: new SeriesHistory(series), commits });
    } finally {
      await series.close();
    }
  }

  /** The step that a fix is a commit of, if it begins with the kernel's own source. */
  private async seriesOf({ source, baseTree }: EventData<'FixProposed'>): Promise<EventData<'DropSplit'> | undefined> {
    if (source.kind !== 'commit') return undefined;
    const { events } = await this.events.readStream(`drop.${source.dropId}`);
    const split = events.findLast(({ fact }) => fact.type === 'DropSplit')?.fact;
    return split?.type === 'DropSplit' && split.data.proof.baseTree === baseTree ? split.data : undefined;
  }

  private async record(proposed: EventData<'FixProposed'>, outcome: BuildOutcome, start: number): Promise<Fact[]> {
    const objects: StoredObject[] = [];
    for (const object of outcome.objects) objects.push(await this.store(object));
    const settling = { proposed, objects, durationMs: Math.max(0, this.clock.now().getTime() - start) };
    if (outcome.outcome === 'refused') return decideRefused(settling, outcome);
    return decideBuilt(settling, outcome, await this.blobs.put(outcome.module.bytes));
  }

  private async store({ path, owner, original, patched }: BuiltObject): Promise<StoredObject> {
    const before = await this.blobs.put(original);
    const after = await this.blobs.put(patched);
    return { path, owner, original: before.digest, patched: after.digest };
  }
}

function refusedAtApply(reasons: Refusal['reasons']): Refusal {
  return { outcome: 'refused', stage: 'apply', reasons, mismatches: [], objects: [] };
}

function summary(outcome: BuildOutcome): string {
  if (outcome.outcome === 'built') return `${outcome.functions.length} functions, ${outcome.module.bytes.length} bytes`;
  return `refused (${outcome.stage}): ${outcome.reasons
    .map(({ code }) => code)
    .join(', ')
    .slice(0, 200)}`;
}
