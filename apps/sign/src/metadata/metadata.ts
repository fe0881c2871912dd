import { Controller, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { PoisonMessage, type RecordedEvent } from '#libs/eventstore';
import { Clock, stage } from '#libs/service';
import type { Cause } from './publications.js';
import { Publisher } from './publisher.js';
import { Upkeep } from './upkeep.js';

/** How often is looked whether there is anything to do. */
const tickMs = 60_000;
const dayMs = 24 * 60 * 60 * 1000;

/** Publishes under the signed metadata what the log says, and keeps it fresh. */
@Controller()
export class Metadata implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger(Metadata.name);
  private timer: NodeJS.Timeout | undefined;
  private doneMs = Number.NEGATIVE_INFINITY;
  private ticking: Promise<void> = Promise.resolve();

  constructor(
    private readonly publisher: Publisher,
    private readonly upkeep: Upkeep,
    private readonly clock: Clock,
  ) {}

  @EventPattern('BundleSigned', stage('sign'))
  async signed(@Payload() event: RecordedEvent): Promise<void> {
    if (event.fact.type !== 'BundleSigned') throw new PoisonMessage(`${event.fact.type} is no signed bundle`);
    const { bundleId } = event.fact.data;
    await this.publisher.reconcile(causeOf(event), event.position);
    const refusal = this.publisher.refusalOf(bundleId);
    if (refusal !== undefined) throw new PoisonMessage(`bundle ${bundleId} must not be vouched for: ${refusal}`);
  }

  @EventPattern('BundleRecalled', stage('sign'))
  async recalled(@Payload() event: RecordedEvent): Promise<void> {
    if (event.fact.type !== 'BundleRecalled') throw new PoisonMessage(`${event.fact.type} is no recall`);
    await this.publisher.reconcile(causeOf(event), event.position);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.tick();
    this.timer = setInterval(() => {
      this.ticking = this.tick();
    }, tickMs);
    this.timer.unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.ticking;
  }

  /** Never throws: what fails is tried again at the next tick, and the rest of the stage goes on meanwhile. */
  private async tick(): Promise<void> {
    const nowMs = this.clock.now().getTime();
    try {
      if (nowMs - this.doneMs < dayMs) return await this.upkeep.hourly();
      await this.upkeep.daily();
      this.doneMs = nowMs;
    } catch (error) {
      this.log.error(`the signed metadata could not be brought up to date: ${String(error)}`);
    }
  }
}

function causeOf({ envelope }: RecordedEvent): Cause {
  return { actor: 'sign', causationId: envelope.id, correlationId: envelope.correlationId };
}
