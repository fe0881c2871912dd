import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { BlobStore } from '#libs/blobs';
import type { EventData, Fact } from '#libs/contracts';
import { EventStore, PoisonMessage, type RecordedEvent, RetryLater, type StreamName } from '#libs/eventstore';
import { buildFix, type BuildOutcome, type BuiltObject, needsEarlierCommits, type Refusal } from '#libs/hotpatch';
import { Clock, commandContext, stage } from '#libs/service';
import { TreeError, TreeStore } from '#libs/trees';
import { storedFix } from './adapters/stored-tree.js';
import { decideBuilt, decideRefused, isSettled, moduleNameOf, type StoredObject } from './domain/fix.js';
import { type KernelState, kernelState } from './domain/kernel.js';
import { Profiles } from './ports.js';

const maxPatchBytes = 64 * 1024 * 1024;
const kernelNotReadyMs = 5_000;

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
    const kernel = await this.kernelOf(proposed);
    const start = this.clock.now().getTime();
    const outcome = await this.build(proposed, kernel);
    const facts = await this.record(proposed, outcome, start);
    await this.events.appendToStream(stream, past.revision, facts, commandContext(event, 'build'));
    this.log.log(`fix ${proposed.fixId} (${proposed.subject}): ${summary(outcome)}`);
  }

  private async kernelOf({ kernelId }: EventData<'FixProposed'>): Promise<KernelState> {
    const { events } = await this.events.readStream(`kernel.${kernelId}`);
    const state = kernelState(events.map((one) => one.fact));
    if (!state.imported && !state.rejected)
      throw new RetryLater(kernelNotReadyMs, `kernel ${kernelId} isn't imported yet`);
    return state;
  }

  private async build(proposed: EventData<'FixProposed'>, kernel: KernelState): Promise<BuildOutcome> {
    const { fixId, kernelId, baseTree } = proposed;
    if (!kernel.imported || !kernel.received) {
      return refusedAtApply([{ code: 'kernel-rejected', reason: `kernel ${kernelId} could not be imported` }]);
    }
    const patch = await this.blobs.read(proposed.patch, maxPatchBytes);
    let patchedTree: string;
    try {
      patchedTree = await this.trees.applyPatch(baseTree, patch);
    } catch (error) {
      if (!(error instanceof TreeError) || error.code !== 'patch-does-not-apply') throw error;
      const paths = error.paths.length > 0 ? error.paths : proposed.paths;
      return refusedAtApply(paths.map((path) => needsEarlierCommits(path)));
    }
    return await buildFix({
      profile: await this.profiles.open(kernelId, kernel.received.packages),
      fix: await storedFix(this.trees, baseTree, patchedTree),
      moduleName: moduleNameOf(fixId),
      replace: false,
      tags: { splicecast_fix: fixId },
    });
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
