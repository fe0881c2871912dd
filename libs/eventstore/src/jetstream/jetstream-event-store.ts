import { setTimeout as wait } from 'node:timers/promises';
import type { NatsConnection } from 'nats';
import type { Fact } from '#libs/contracts';
import { categoryOf, decodeCommit } from '../commit-codec.js';
import {
  type AppendResult,
  type Commit,
  type CommitContext,
  type DeadLetter,
  EventStore,
  type Revision,
  type StreamName,
  type StreamSlice,
  type SubscribeOptions,
  type Subscription,
  type WorkerBacklog,
  type WorkOptions,
} from '../port.js';
import { Appender } from './appender.js';
import { type NatsServers, openConnection } from './connection.js';
import { DeadLetters } from './dead-letters.js';
import { patiently } from './failures.js';
import { ensureStreams, logStream, streamOf } from './layout.js';
import { readCommits } from './reader.js';
import { subscribeTo } from './subscription.js';
import { Wire } from './wire.js';
import { startWorker } from './worker.js';

export interface JetStreamOptions {
  /** Copies of each stream in a cluster: 1 on a single server, 3 in a cluster. Used when a stream is made. */
  readonly replicas?: number;
  /** How long a delivery may stay without a sign of life before it is given to another worker; 30 s when absent. */
  readonly ackWaitMs?: number;
  /** How long an append or read tries to reach the log before it says `unavailable`; 15 s when absent. */
  readonly patienceMs?: number;
}

/**
 * Connects to NATS and opens the log there, making its streams if they aren't there yet.
 * @throws EventStoreError `unavailable`
 */
export async function connectEventStore(options: NatsServers & JetStreamOptions): Promise<JetStreamEventStore> {
  const connection = await openConnection(options);
  try {
    return await JetStreamEventStore.open(connection, options);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/**
 * The log on NATS JetStream (server 2.9 or later): one stream, one subject an aggregate, one message a commit, so that a
 * commit is atomic on every server version. A position is the message's sequence in the stream.
 */
export class JetStreamEventStore extends EventStore {
  private readonly running = new Set<Subscription>();
  private readonly appender: Appender;
  private readonly graveyard: DeadLetters;

  private constructor(private readonly wire: Wire) {
    super();
    this.appender = new Appender(wire);
    this.graveyard = new DeadLetters(wire);
  }

  /** Opens the log over a connection, which the store then owns: it closes it. */
  static async open(connection: NatsConnection, options: JetStreamOptions = {}): Promise<JetStreamEventStore> {
    const patienceMs = options.patienceMs ?? 15_000;
    const manager = await patiently(patienceMs, () => connection.jetstreamManager());
    await ensureStreams(manager, options.replicas ?? 1, patienceMs);
    return new JetStreamEventStore(new Wire(connection, manager, patienceMs, options.ackWaitMs ?? 30_000));
  }

  async readStream(stream: StreamName): Promise<StreamSlice> {
    categoryOf(stream);
    const commits = await readCommits(this.wire, stream);
    this.appender.noteReading(stream, commits);
    const events = commits.flatMap(({ position, bytes }) => decodeCommit(stream, position, bytes).events);
    return { events, revision: commits.at(-1)?.position ?? 0 };
  }

  async readCommit(position: number): Promise<Commit | undefined> {
    // The server takes 0 for no number at all.
    const message = position < 1 ? undefined : await this.wire.message(logStream, { seq: position });
    return message === undefined ? undefined : decodeCommit(streamOf(message.subject), message.seq, message.data);
  }

  async appendToStream(
    stream: StreamName,
    expected: Revision,
    facts: readonly Fact[],
    context: CommitContext,
  ): Promise<AppendResult> {
    return this.appender.append(stream, expected, facts, context);
  }

  subscribe(options: SubscribeOptions, handler: (commit: Commit) => Promise<void>): Subscription {
    return this.keep(subscribeTo(this.wire, options, handler));
  }

  async work(options: WorkOptions, handler: (commit: Commit) => Promise<void>): Promise<Subscription> {
    return this.keep(await startWorker(this.wire, this.graveyard, options, handler));
  }

  async backlog(): Promise<readonly WorkerBacklog[]> {
    const consumers = await this.wire.ask(() => this.wire.manager.consumers.list(logStream).next());
    return consumers.flatMap(({ config, num_pending: waiting, num_ack_pending: inHand }) =>
      config.durable_name === undefined ? [] : [{ worker: config.durable_name, waiting, inHand }],
    );
  }

  async deadLetters(): Promise<readonly DeadLetter[]> {
    return this.graveyard.list();
  }

  async replayDeadLetter(id: string): Promise<void> {
    await this.graveyard.replay(id);
  }

  async lastPosition(): Promise<number> {
    const info = await this.wire.ask(() => this.wire.manager.streams.info(logStream));
    return info.state.last_seq;
  }

  async close(): Promise<void> {
    await Promise.all([...this.running].map((one) => one.stop()));
    // What handlers acknowledged last must still reach the server.
    const flushed = this.wire.connection.flush().catch(() => undefined);
    await Promise.race([flushed, wait(1_000, undefined, { ref: false })]);
    await this.wire.connection.close();
  }

  private keep(subscription: Subscription): Subscription {
    this.running.add(subscription);
    const forget = (): void => void this.running.delete(subscription);
    subscription.closed.then(forget, forget);
    return subscription;
  }
}
