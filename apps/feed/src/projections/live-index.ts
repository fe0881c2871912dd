import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { EventStore, FollowerBehind, LogFollower, type RecordedEvent } from '#libs/eventstore';
import { Metrics, Problem, Readiness } from '#libs/service';
import { FeedIndex } from './feed-index.js';
import type { News } from './news-board.js';

/** How long a request waits for the index to catch up with the log. */
const catchUpMs = 5_000;

/** Keeps the feed's index at the end of the log. */
@Injectable()
export class LiveIndex implements OnModuleInit, OnModuleDestroy {
  private readonly log = new Logger(LiveIndex.name);
  private readonly index = new FeedIndex();
  private readonly follower: LogFollower;
  private readonly followers = new Set<(event: RecordedEvent) => void>();

  constructor(events: EventStore, metrics: Metrics, readiness: Readiness) {
    this.follower = new LogFollower(events, (event) => {
      this.index.apply(event);
      for (const follower of this.followers) follower(event);
    });
    const labels = { projection: 'feed' };
    metrics.watch({
      name: 'projection_position',
      help: 'Position of the last commit that a projection has folded',
      labels,
      read: () => this.follower.position,
    });
    metrics.watch({
      name: 'projection_lag_commits',
      help: 'How many positions a projection is behind the log',
      labels,
      read: async () => Math.max(0, (await events.lastPosition()) - this.follower.position),
    });
    readiness.needs(() => (this.follower.isLost ? 'the feed no longer follows the log' : undefined));
  }

  /** Folds the whole log before the first request is taken. */
  async onModuleInit(): Promise<void> {
    await this.follower.start((error) => this.log.error(`the index no longer follows the log: ${String(error)}`));
    this.log.log(`index folded to position ${this.follower.position}`);
  }

  async onModuleDestroy(): Promise<void> {
    await this.follower.stop();
  }

  /** Calls `follower` with each event that the index has just folded, at the start with all of them. It must not throw. */
  follow(follower: (event: RecordedEvent) => void): void {
    this.followers.add(follower);
  }

  /** Calls `listener` with all news from now on. It must not throw. */
  onNews(listener: (news: News) => void): void {
    this.index.news.listen(listener);
  }

  /** Position of the last commit that is folded. */
  get position(): number {
    return this.follower.position;
  }

  /** The index at a follower's call: it may be behind the log. */
  get folded(): FeedIndex {
    return this.index;
  }

  /** The index as it is now. @throws Problem 503 if it has lost the log. */
  current(): FeedIndex {
    try {
      this.follower.check();
    } catch (error) {
      refuse(error);
    }
    return this.index;
  }

  /** The index once it has seen a position of the log. @throws Problem 503 if that takes too long. */
  async at(position: number): Promise<FeedIndex> {
    await this.follower.at(position, catchUpMs).catch(refuse);
    return this.index;
  }
}

function refuse(error: unknown): never {
  if (!(error instanceof FollowerBehind)) throw error;
  throw new Problem({ status: 503, code: 'index-behind', title: 'The feed is catching up', detail: 'try again soon' });
}
