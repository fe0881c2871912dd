import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { type Hint, hintSubject, tierSchema } from '#libs/contracts';
import { PoisonMessage, type RecordedEvent } from '#libs/eventstore';
import { HintPublisher } from '#libs/hints';
import { tierReceives } from '#libs/licensing';
import { stage } from '#libs/service';
import { LiveIndex } from './projections/live-index.js';

/** Tells machines at once that there is news for them. */
@Controller()
export class Feed {
  private readonly log = new Logger(Feed.name);

  constructor(
    private readonly live: LiveIndex,
    private readonly hints: HintPublisher,
  ) {}

  @EventPattern('BundlePromoted', stage('feed'))
  async promoted(@Payload() event: RecordedEvent): Promise<void> {
    if (event.fact.type !== 'BundlePromoted') throw new PoisonMessage(`${event.fact.type} is no promotion`);
    await this.publish(event.position, event.fact.data.bundleId, 'published');
  }

  @EventPattern('BundleRecalled', stage('feed'))
  async recalled(@Payload() event: RecordedEvent): Promise<void> {
    if (event.fact.type !== 'BundleRecalled') throw new PoisonMessage(`${event.fact.type} is no recall`);
    await this.publish(event.position, event.fact.data.bundleId, 'recalled');
  }

  /**
   * A machine listens on the subject of its own tier alone, so a hint goes out on the subject of each tier that sees the bundle:
   * one that has reached `early` is heard on `canary` and on `early`. Said after the index has seen it, so that a machine which
   * asks at once is told. Saying it twice does no harm.
   */
  private async publish(position: number, bundleId: string, action: Hint['action']): Promise<void> {
    const bundle = (await this.live.at(position)).bundle(bundleId);
    if (bundle?.signature === undefined || bundle.reached === undefined) return;
    const { kernel, reached } = bundle;
    const tiers = tierSchema.options.filter((tier) => tierReceives(tier, reached));
    const hint: Hint = { schema: 1, action, bundleId };
    for (const tier of tiers) await this.hints.publish(hintSubject(kernel, tier), hint);
    this.log.log(`${action} ${bundleId} for ${kernel.release}: ${tiers.join(', ')}`);
  }
}
