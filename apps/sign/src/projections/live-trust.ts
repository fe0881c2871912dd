import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { EventStore, LogFollower } from '#libs/eventstore';
import { Readiness } from '#libs/service';
import { MetadataIndex } from '../domain/metadata-index.js';
import { Wanted } from '../domain/wanted.js';

const catchUpMs = 30_000;

/** What the signed metadata should say and what it says, both as of one position of the log. */
@Injectable()
export class LiveTrust implements OnModuleInit, OnModuleDestroy {
  readonly wanted = new Wanted();
  readonly metadata = new MetadataIndex();
  private readonly log = new Logger(LiveTrust.name);
  private readonly follower: LogFollower;
  private started: Promise<void> | undefined;

  constructor(
    private readonly events: EventStore,
    readiness: Readiness,
  ) {
    this.follower = new LogFollower(events, (event) => {
      this.wanted.apply(event);
      this.metadata.apply(event);
    });
    readiness.needs(() => (this.follower.isLost ? 'sign no longer follows the log' : undefined));
  }

  async onModuleInit(): Promise<void> {
    await this.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.follower.stop();
  }

  /** Waits until everything that is in the log now, and the given position, is folded. @throws FollowerBehind */
  async caughtUp(position = 0): Promise<void> {
    await this.start();
    await this.follower.at(Math.max(position, await this.events.lastPosition()), catchUpMs);
  }

  private start(): Promise<void> {
    this.started ??= this.follower.start((error) => this.log.error(`the log can't be followed: ${String(error)}`));
    return this.started;
  }
}
