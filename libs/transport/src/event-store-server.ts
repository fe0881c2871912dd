import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import type { EventStore, Subscription } from '#libs/eventstore';
import type { Requests, Responder } from './requests.js';

export interface EventStoreServerOptions {
  readonly store: EventStore;
  readonly requests: Requests;
  /** The service's name: of its durable worker and of its group of responders. */
  readonly name: string;
  /** Commits in work at once; 1 when absent. */
  readonly concurrency?: number;
  /** How often a commit is tried before it goes to the dead letter. */
  readonly maxAttempts?: number;
  /** Wait before the n-th retry, in ms. */
  readonly retryDelayMs?: (attempt: number) => number;
}

/** Nest's transport over the log. */
export class EventStoreServer extends Server implements CustomTransportStrategy {
  private readonly running: (Subscription | Responder)[] = [];
  constructor(private readonly options: EventStoreServerOptions) {
    super();
  }
  listen(callback: (error?: unknown) => void): void {
    callback();
  }
  async close(): Promise<void> {
    await Promise.all(this.running.map((one) => one.stop()));
  }
  on(): void {}
  unwrap<T>(): T {
    return this.options.store as T;
  }
}
