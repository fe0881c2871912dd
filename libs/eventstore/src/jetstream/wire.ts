import {
  ErrorCode,
  Events,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  type StoredMsg,
} from 'nats';
import { isNoMessage, patiently } from './failures.js';

/** A connection with what the parts of the store need of it. */
export class Wire {
  readonly js: JetStreamClient;
  private isCut = false;
  private readonly watchers = new Set<() => void>();

  constructor(
    readonly connection: NatsConnection,
    readonly manager: JetStreamManager,
    /** How long a request goes on trying before it says `unavailable`. */
    readonly patienceMs: number,
    readonly ackWaitMs: number,
  ) {
    this.js = connection.jetstream();
    void this.watch();
    // Of its end a connection says nothing among its states.
    void connection.closed().then(() => this.cut());
  }

  get isClosed(): boolean {
    return this.connection.isClosed();
  }

  /** Calls `cut` when the connection is lost or closed. Returns how to stop that. */
  onCut(cut: () => void): () => void {
    this.watchers.add(cut);
    return () => this.watchers.delete(cut);
  }

  /**
   * Asks the server until it answers or patience ends. What was asked when the connection broke is asked again at once, not
   * when its time is over.
   * @throws EventStoreError `unavailable`
   */
  async ask<T>(attempt: () => Promise<T>): Promise<T> {
    return this.askItself(() => this.unlessCut(attempt()));
  }

  /** As `ask`, of what sees by itself that the connection broke. @throws EventStoreError `unavailable` */
  askItself<T>(attempt: () => Promise<T>): Promise<T> {
    return patiently(this.patienceMs, () => {
      // What is sent now would be lost, and its answer waited for in vain.
      if (this.isCut && !this.isClosed) throw disconnected();
      return attempt();
    });
  }

  /** A message of a stream as its leader has it; undefined if there is none. */
  async message(
    stream: string,
    query: { seq: number } | { last_by_subj: string } | { seq: number; next_by_subj: string },
  ): Promise<StoredMsg | undefined> {
    return this.ask(async () => {
      try {
        return await this.manager.streams.getMessage(stream, query);
      } catch (error) {
        if (isNoMessage(error)) return undefined;
        throw error;
      }
    });
  }

  private async unlessCut<T>(answer: Promise<T>): Promise<T> {
    const forgets: (() => void)[] = [];
    const cut = new Promise<never>((_resolve, reject) => {
      forgets.push(this.onCut(() => reject(disconnected())));
    });
    try {
      return await Promise.race([answer, cut]);
    } finally {
      for (const forget of forgets) forget();
    }
  }

  private async watch(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === Events.Disconnect) this.cut();
      if (type === Events.Reconnect) this.isCut = false;
    }
  }

  private cut(): void {
    this.isCut = true;
    for (const cut of this.watchers) cut();
  }
}

function disconnected(): NatsError {
  return new NatsError('the connection is down', ErrorCode.Disconnect);
}
