import { BaseRpcContext, type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import {
  type Commit,
  type EventStore,
  PoisonMessage,
  type RecordedEvent,
  RetryLater,
  type Subscription,
} from '#libs/eventstore';
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
  /** Runs what handles an event, so that whatever it calls can say what it follows from. */
  readonly around?: <T>(event: RecordedEvent, handle: () => Promise<T>) => Promise<T>;
  /** Wait before the n-th retry, in ms. */
  readonly retryDelayMs?: (attempt: number) => number;
}

/** What a handler gets as `@Ctx()`: of an event, the event and its commit; of a request, the subject. */
export class EventStoreContext extends BaseRpcContext<[RecordedEvent, Commit] | [string]> {}

/**
 * Nest's transport over the log. `@EventPattern('SourceDropUnpacked')` handlers get each such event at least once, through a
 * durable worker named after the service; the events of a commit are handled in order, and the commit counts as done when all
 * of them are. `@MessagePattern('sign.token')` handlers answer requests. Use `connectHandlers`, which lets errors through.
 */
export class EventStoreServer extends Server implements CustomTransportStrategy {
  private readonly eventHandlers = new Map<string, MessageHandler[]>();
  private readonly running: (Subscription | Responder)[] = [];

  constructor(private readonly options: EventStoreServerOptions) {
    super();
  }

  /** Nest chains several handlers of an event and runs them at once; here they run one after the other. */
  override addHandler(
    pattern: string,
    callback: MessageHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    if (!isEventHandler) {
      super.addHandler(pattern, callback, isEventHandler, extras);
      return;
    }
    callback.isEventHandler = true;
    callback.extras = extras;
    this.eventHandlers.set(pattern, [...(this.eventHandlers.get(pattern) ?? []), callback]);
  }

  async listen(callback: (error?: unknown) => void): Promise<void> {
    let failure: unknown;
    try {
      await this.start();
    } catch (error) {
      failure = error;
    }
    callback(failure);
  }

  async close(): Promise<void> {
    await Promise.all(this.running.splice(0).map((one) => one.stop()));
  }

  /** There are no events of the transport itself to listen to. */
  on(): void {}

  /** The store is injected, not taken out of here. */
  unwrap(): never {
    throw new TypeError('the event store is not to be had from the transport');
  }

  private async start(): Promise<void> {
    const { store, requests, name, concurrency, maxAttempts, retryDelayMs } = this.options;
    for (const [subject, handler] of this.getHandlers()) {
      this.running.push(await requests.respond(subject, name, (body) => this.answer(subject, handler, body)));
    }
    if (this.eventHandlers.size === 0) return;
    const onTrouble = (error: unknown, commit: Commit, attempt: number): void => this.report(error, commit, attempt);
    const worker = await store.work({ name, concurrency, maxAttempts, retryDelayMs, onTrouble }, (commit) =>
      this.dispatch(commit),
    );
    worker.closed.catch((error: unknown) => this.logger.error(`${name} no longer works on events: ${String(error)}`));
    this.running.push(worker);
  }

  private async dispatch(commit: Commit): Promise<void> {
    for (const event of commit.events) {
      for (const handler of this.eventHandlers.get(event.envelope.type) ?? []) {
        const handle = () => this.call(handler, event, new EventStoreContext([event, commit]));
        await (this.options.around === undefined ? handle() : this.options.around(event, handle));
      }
    }
  }

  private async answer(subject: string, handler: MessageHandler, body: unknown): Promise<unknown> {
    return this.call(handler, body, new EventStoreContext([subject]));
  }

  /** Runs a handler to its end; what it throws comes out as it is, provided that `OriginalError` is its filter. */
  private async call(handler: MessageHandler, data: unknown, context: EventStoreContext): Promise<unknown> {
    try {
      const results = this.transformToObservable(await handler(data, context));
      return await lastValueFrom(results, { defaultValue: undefined });
    } finally {
      this.onProcessingEndHook?.(this.transportId ?? Symbol.for('eventstore'), context);
    }
  }

  private report(error: unknown, commit: Commit, attempt: number): void {
    if (error instanceof RetryLater) return;
    const what = commit.events.map((event) => event.envelope.type).join(', ');
    const where = `${this.options.name}: ${what} of ${commit.events[0]?.stream} at ${commit.position}`;
    const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    if (error instanceof PoisonMessage) this.logger.error(`${where} will never work: ${why}`);
    else this.logger.warn(`${where} failed (attempt ${attempt}): ${why}`);
  }
}
