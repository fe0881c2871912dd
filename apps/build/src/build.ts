import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { BlobStore } from '#libs/blobs';
import type { EventData, Fact } from '#libs/contracts';
import { EventStore, PoisonMessage, type RecordedEvent, type StreamName } from '#libs/eventstore';
import type { BuildOutcome, BuiltObject } from '#libs/hotpatch';
import { Clock, commandContext, stage } from '#libs/service';
import { awaitedKernel } from './awaited-kernel.js';
import { decideBuilt, decideRefused, isSettled, refusedAtApply, type StoredObject } from './domain/fix.js';
import type { KernelState } from './domain/kernel.js';
import { Builder } from './ports.js';

/** Makes a live patch of each proposed fix, or refuses it with every reason. */
@Controller()
export class Build {
  private readonly log = new Logger(Build.name);

  constructor(
    private readonly events: EventStore,
    private readonly blobs: BlobStore,
    private readonly builder: Builder,
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
    if (!kernel.imported || !kernel.received) {
      const reason = `kernel ${proposed.kernelId} could not be imported`;
      return refusedAtApply([{ code: 'kernel-rejected', reason }]);
    }
    return this.builder.buildFix({ proposed, received: kernel.received, split: await this.seriesOf(proposed) });
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

function summary(outcome: BuildOutcome): string {
  if (outcome.outcome === 'built') return `${outcome.functions.length} functions, ${outcome.module.bytes.length} bytes`;
  return `refused (${outcome.stage}): ${outcome.reasons
    .map(({ code }) => code)
    .join(', ')
    .slice(0, 200)}`;
}
