import type { Fact } from '#libs/contracts';
import type { NatsConnection } from 'nats';
import {
  type AppendResult,
  type Commit,
  type CommitContext,
  type DeadLetter,
  EventStore,
  EventStoreError,
  type Revision,
  type StreamName,
  type StreamSlice,
  type SubscribeOptions,
  type Subscription,
  type WorkOptions,
} from '../port.js';
import { type NatsServers, openConnection } from './connection.js';

export interface JetStreamOptions {
  /** Copies of each stream in a cluster: 1 on a single server, 3 in a cluster. Used when a stream is made. */
  readonly replicas?: number;
  /** How long a delivery may stay without a sign of life before it is given to another worker. */
  readonly ackWaitMs?: number;
  /** How long an append or read tries to reach the log before it says `unavailable`. */
  readonly patienceMs?: number;
}

/** Connects to NATS and opens the log there, making its streams if they aren't there yet. */
export async function connectEventStore(options: NatsServers & JetStreamOptions): Promise<JetStreamEventStore> {
  return JetStreamEventStore.open(await openConnection(options), options);
}

const unwritten = () => new EventStoreError('unavailable', 'being written');

/** The log on NATS JetStream. */
export class JetStreamEventStore extends EventStore {
  private constructor(private readonly connection: NatsConnection) {
    super();
  }
  static async open(connection: NatsConnection, _options: JetStreamOptions = {}): Promise<JetStreamEventStore> {
    return new JetStreamEventStore(connection);
  }
  async readStream(_stream: StreamName): Promise<StreamSlice> {
    throw unwritten();
  }
  async appendToStream(_s: StreamName, _e: Revision, _f: readonly Fact[], _c: CommitContext): Promise<AppendResult> {
    throw unwritten();
  }
  subscribe(_options: SubscribeOptions, _handler: (commit: Commit) => Promise<void>): Subscription {
    throw unwritten();
  }
  async work(_options: WorkOptions, _handler: (commit: Commit) => Promise<void>): Promise<Subscription> {
    throw unwritten();
  }
  async deadLetters(): Promise<readonly DeadLetter[]> {
    throw unwritten();
  }
  async replayDeadLetter(_id: string): Promise<void> {
    throw unwritten();
  }
  async lastPosition(): Promise<number> {
    throw unwritten();
  }
  async close(): Promise<void> {
    await this.connection.close();
  }
}
