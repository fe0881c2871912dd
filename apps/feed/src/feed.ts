import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { type RecordedEvent, RetryLater } from '#libs/eventstore';
import { HintError, HintPublisher } from '#libs/hints';
import { Clock, Metrics, Problem, stage } from '#libs/service';
import { LiveIndex } from './projections/live-index.js';

const retryMs = 1_000;

/** Tells machines at once that there is news for them. */
@Controller()
export class Feed {
  private readonly log = new Logger(Feed.name);

  constructor(
    private readonly live: LiveIndex,
    private readonly hints: HintPublisher,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
  ) {}

  @EventPattern('BundlePromoted', stage('feed'))
  async promoted(@Payload() event: RecordedEvent): Promise<void> {
    await this.publish(event);
  }

  @EventPattern('BundleRecalled', stage('feed'))
  async recalled(@Payload() event: RecordedEvent): Promise<void> {
    await this.publish(event);
  }

  @EventPattern('MetadataPublished', stage('feed'))
  async metadataPublished(@Payload() event: RecordedEvent): Promise<void> {
    await this.publish(event);
  }

  /** Said after the index has seen it, so that a machine which asks at once is told. Saying it twice does no harm. */
  private async publish(event: RecordedEvent): Promise<void> {
    try {
      await this.say(event);
    } catch (error) {
      // A server that restarts is no fault of the hint: an outage of minutes must not end in dead letters.
      const isAway = error instanceof HintError && error.code === 'unavailable';
      const isBehind = error instanceof Problem && error.status === 503;
      if (isAway || isBehind) throw new RetryLater(retryMs, error.message);
      throw error;
    }
  }

  private async say({ position, envelope }: RecordedEvent): Promise<void> {
    const news = (await this.live.at(position)).news.at(position);
    for (const { subject, hint } of news) {
      await this.hints.publish(subject, hint);
      this.log.log(`${hint.action} ${hint.bundleId} on ${subject} (${envelope.correlationId})`);
    }
    this.metrics.hinted(news.length, (this.clock.now().getTime() - Date.parse(envelope.at)) / 1000);
  }
}
