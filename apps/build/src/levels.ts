import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { BlobStore } from '#libs/blobs';
import { type EventData, type Fact, type GitId, type LevelContent, levelContentSchema } from '#libs/contracts';
import { EventStore, EventStoreError, PoisonMessage, type RecordedEvent, type StreamName } from '#libs/eventstore';
import type { LevelConflict } from '#libs/hotpatch';
import { Clock, commandContext, stage } from '#libs/service';
import { awaitedKernel } from './awaited-kernel.js';
import {
  decideLevelBuilt,
  decideLevelRefused,
  isLevelSettled,
  type LevelSeries,
  selectFixes,
  type ToldFix,
} from './domain/level.js';
import { Builder } from './ports.js';

/** How often what was built is recorded anew because another level of the kernel was proposed meanwhile. */
const maxRaces = 8;

/** Makes cumulative levels: many fixes of a kernel as one module, which takes the place of all live patches before it. */
@Controller()
export class Levels {
  private readonly log = new Logger(Levels.name);

  constructor(
    private readonly events: EventStore,
    private readonly blobs: BlobStore,
    private readonly builder: Builder,
    private readonly clock: Clock,
  ) {}

  /** As for a single fix: bytes are stored before the one commit that names them. */
  @EventPattern('LevelProposed', stage('build'))
  async handle(@Payload() event: RecordedEvent): Promise<void> {
    if (event.fact.type !== 'LevelProposed') throw new PoisonMessage(`${event.fact.type} is no level`);
    const proposed = event.fact.data;
    if (isLevelSettled(await this.factsOf(`level.${proposed.kernelId}`), proposed.level)) return;
    const start = this.clock.now().getTime();
    const decide = await this.build(proposed);
    await this.record(event, proposed, decide(Math.max(0, this.clock.now().getTime() - start)));
  }

  private async build(proposed: EventData<'LevelProposed'>): Promise<(durationMs: number) => Fact[]> {
    const { kernelId, leaveOut } = proposed;
    const received = await this.kernel(kernelId);
    const { selected, conflicts } = selectFixes(kernelId, await this.told(proposed));
    if (selected === undefined || (conflicts.length > 0 && !leaveOut)) {
      const reasons = conflicts.flatMap((one) => one.reasons);
      return (durationMs) => decideLevelRefused(proposed, 'select', reasons, conflicts, durationMs);
    }
    const outcome = await this.builder.buildLevel({ proposed, received, selected });
    if (outcome.outcome === 'refused') {
      const { stage: step, reasons } = outcome.refusal;
      const all = plain([...conflicts, ...outcome.conflicts]);
      return (durationMs) => decideLevelRefused(proposed, step, reasons, all, durationMs);
    }
    const { patch, fixIds, leftOut } = outcome;
    const module = await this.blobs.put(patch.module.bytes);
    const content: LevelContent = { schema: 1, functions: [...patch.functions], warnings: [...patch.warnings] };
    const told = await this.blobs.put(Buffer.from(JSON.stringify(levelContentSchema.parse(content))));
    const made = {
      fixIds,
      module: { name: patch.module.name, digest: module.digest, sizeBytes: module.sizeBytes },
      content: told.digest,
      functions: patch.functions.length,
      warnings: patch.warnings.length,
      runPre: patch.runPre,
      leftOut: plain([...conflicts, ...leftOut]),
    };
    return (durationMs) => decideLevelBuilt(proposed, made, durationMs);
  }

  private async kernel(kernelId: string): Promise<EventData<'KernelReceived'>> {
    const { received, imported } = await awaitedKernel(this.events, kernelId);
    if (received !== undefined && imported !== undefined) return received;
    throw new PoisonMessage(`kernel ${kernelId} was rejected after a level was proposed`);
  }

  private async told({ fixIds }: EventData<'LevelProposed'>): Promise<readonly ToldFix[]> {
    const known = new Map<string, Promise<LevelSeries | undefined>>();
    const told: ToldFix[] = [];
    for (const fixId of fixIds) {
      const facts = await this.factsOf(`fix.${fixId}`);
      const proposed = facts.find(({ type }) => type === 'FixProposed');
      if (proposed?.type !== 'FixProposed' || proposed.data.source.kind !== 'commit') {
        told.push({ fixId, facts });
        continue;
      }
      const { source, baseTree } = proposed.data;
      const key = `${source.dropId} ${baseTree}`;
      const asking = known.get(key) ?? this.seriesOf(source.dropId, baseTree);
      known.set(key, asking);
      const series = await asking;
      told.push({ fixId, facts, ...(series === undefined ? {} : { series }) });
    }
    return told;
  }

  /** A drop's series, if it begins with this tree. */
  private async seriesOf(dropId: string, baseTree: GitId): Promise<LevelSeries | undefined> {
    const split = (await this.factsOf(`drop.${dropId}`)).findLast(({ type }) => type === 'DropSplit');
    return split?.type === 'DropSplit' && split.data.proof.baseTree === baseTree ? split.data : undefined;
  }

  private async record(
    event: RecordedEvent,
    { kernelId, level }: EventData<'LevelProposed'>,
    facts: Fact[],
  ): Promise<void> {
    const stream: StreamName = `level.${kernelId}`;
    for (let race = 1; ; race += 1) {
      const past = await this.events.readStream(stream);
      if (
        isLevelSettled(
          past.events.map((one) => one.fact),
          level,
        )
      )
        return;
      try {
        await this.events.appendToStream(stream, past.revision, facts, commandContext(event, 'build'));
        this.log.log(`level ${level} of kernel ${kernelId}: ${facts.map(({ type }) => type).join(', ')}`);
        return;
      } catch (error) {
        const lost = error instanceof EventStoreError && error.code === 'wrong-expected-revision';
        if (!lost || race === maxRaces) throw error;
      }
    }
  }

  private async factsOf(stream: StreamName): Promise<readonly Fact[]> {
    return (await this.events.readStream(stream)).events.map((one) => one.fact);
  }
}

function plain(conflicts: readonly LevelConflict[]) {
  return conflicts.map(({ fixId, reasons }) => ({ fixId, reasons: [...reasons] }));
}
