import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { EventStore, type Subscription } from '#libs/eventstore';
import { Problem } from '#libs/service';
import { FeedIndex } from './feed-index.js';

interface Waiter {
  readonly position: number;
  readonly resolve: () => void;
}

/** How long a request waits for the index to catch up with the log. */
const catchUpMs = 5_000;

/** Keeps the feed's index at the end of the log. It holds no checkpoint: it is folded anew at every start. */
@Injectable()
export class LiveIndex implements OnModuleInit, OnModuleDestroy {
  private readonly log = new Logger(LiveIndex.name);
  private readonly index = new FeedIndex();
  private position = 0;
  private failure: unknown;
  private waiters: Waiter[] = [];
  private subscription: Subscription | undefined;

  constructor(private readonly events: EventStore) {}

  /** Folds the whole log before the first request is taken. */
  async onModuleInit(): Promise<void> {
    const end = await this.events.lastPosition();
    this.subscription = this.events.subscribe({ from: 1 }, async ({ position, events }) => {
      for (const event of events) this.index.apply(event);
      this.reach(position);
    });
    this.subscription.closed.catch((error: unknown) => {
      this.failure = error ?? new Error('closed');
      this.log.error(`the index no longer follows the log: ${String(error)}`);
    });
    if (end > 0) await Promise.race([this.reached(end), this.subscription.closed]);
    this.log.log(`index folded to position ${this.position}`);
  }

  async onModuleDestroy(): Promise<void> {
    await this.subscription?.stop();
  }

  /** The index as it is now. @throws Problem 503 if it has lost the log. */
  current(): FeedIndex {
    if (this.failure !== undefined) throw behind();
    return this.index;
  }

  /** The index once it has seen a position of the log. @throws Problem 503 if that takes too long. */
  async at(position: number): Promise<FeedIndex> {
    if (this.position < position) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(behind()), catchUpMs);
      });
      try {
        await Promise.race([this.reached(position), late]);
      } finally {
        clearTimeout(timer);
      }
    }
    return this.current();
  }

  private reached(position: number): Promise<void> {
    if (this.position >= position) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push({ position, resolve }));
  }

  private reach(position: number): void {
    this.position = position;
    const waiting = this.waiters;
    this.waiters = waiting.filter((waiter) => waiter.position > position);
    for (const waiter of waiting) if (waiter.position <= position) waiter.resolve();
  }
}

function behind(): Problem {
  return new Problem({ status: 503, code: 'index-behind', title: 'The feed is catching up', detail: 'try again soon' });
}
