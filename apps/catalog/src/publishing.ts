import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Fact } from '#libs/contracts';
import { type Commit, EventStore, type Subscription } from '#libs/eventstore';
import { PublicRepositories } from '#libs/trees';
import { unreadableIn } from './folding.js';
import { Packing } from './packing.js';
import { type PublicDrop, type PublicRepository, Redpatch } from './domain/redpatch.js';

const retryMs = 5_000;

export interface PublishedRepository extends PublicRepository {
  /** `publishing`: git doesn't show yet all that the log has. `failed`: the last try failed, for `error`, and is made again. */
  readonly state: 'published' | 'publishing' | 'failed';
  readonly error?: string;
}

/**
 * Keeps the public repositories as the log says that they are. It holds no checkpoint: the log's drops are folded anew at every
 * start, and what git shows already isn't touched.
 */
@Injectable()
export class Publishing implements OnModuleInit, OnModuleDestroy {
  private readonly log = new Logger('redpatch');
  private readonly redpatch = new Redpatch();
  private readonly stopping = new AbortController();
  /** Products whose repository isn't yet what the log says, each with the last fact that changed it. */
  private readonly behind = new Map<string, Fact>();
  private readonly errors = new Map<string, string>();
  private subscription: Subscription | undefined;
  private working: Promise<void> | undefined;

  constructor(
    private readonly events: EventStore,
    private readonly repositories: PublicRepositories,
    private readonly packing: Packing,
  ) {}

  onModuleInit(): void {
    const stopped = (error: unknown): void => this.log.error(`nothing new is published: ${messageOf(error)}`);
    const options = {
      from: 1,
      category: 'drop',
      onTrouble: (error: unknown, _commit: Commit, attempt: number) => attempt === 1 && stopped(error),
    };
    this.subscription = this.events.subscribe(options, async (commit) => this.take(commit));
    this.subscription.closed.catch(stopped);
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.subscription?.stop();
    await this.working;
  }

  /** All public repositories, by name. */
  list(): readonly PublishedRepository[] {
    return this.redpatch.products().flatMap((product) => this.find(product) ?? []);
  }

  find(product: string): PublishedRepository | undefined {
    const repository = this.redpatch.repository(product);
    if (repository === undefined) return undefined;
    const error = this.errors.get(product);
    if (error !== undefined) return { ...repository, state: 'failed', error };
    return { ...repository, state: this.behind.has(product) ? 'publishing' : 'published' };
  }

  /** Where a drop is to be found, if it is public. */
  drop(dropId: string): PublicDrop | undefined {
    return this.redpatch.drop(dropId);
  }

  /** @throws EventError for what can't be read: the rest may rest on it, so nothing goes past it. */
  private take({ events }: Commit): void {
    for (const event of events) {
      const error = unreadableIn(event);
      if (error !== undefined) throw error;
      const product = this.redpatch.apply(event.fact);
      if (product !== undefined) this.behind.set(product, event.fact);
    }
    if (this.behind.size > 0) this.working ??= this.publish().finally(() => (this.working = undefined));
  }

  /** Publishes until git shows what the log has. */
  private async publish(): Promise<void> {
    while (this.behind.size > 0 && !this.stopping.signal.aborted) {
      for (const [product, last] of this.behind) await this.publishOne(product, last);
      if (this.errors.size > 0)
        await sleep(retryMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  private async publishOne(product: string, last: Fact): Promise<void> {
    const repository = this.redpatch.repository(product);
    if (repository === undefined) return;
    try {
      await this.repositories.publish(product, repository);
      this.errors.delete(product);
      this.packing.ask(product);
      // What came while git worked is still to be done.
      if (this.behind.get(product) === last) this.behind.delete(product);
    } catch (error) {
      const message = messageOf(error);
      if (this.errors.get(product) !== message) this.log.error(`${product}.git is not published: ${message}`);
      this.errors.set(product, message);
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
