import type { Envelope, Fact } from '#libs/contracts';

/** `<category>.<id>`: one aggregate's stream. On JetStream it is the subject `sc.<category>.<id>`. */
export type StreamName = `${string}.${string}`;

/** A stream's revision is the log position of its last commit; 0 while it is empty. Compare for equality only. */
export type Revision = number;

/** An event as it stands in the log. */
export interface RecordedEvent {
  readonly stream: StreamName;
  /** Position of its commit in the whole log, from 1, with gaps. */
  readonly position: number;
  /** Index within the commit, from 0. */
  readonly index: number;
  readonly envelope: Envelope;
  /** The checked fact: `envelope.type` and `envelope.data`. */
  readonly fact: Fact;
}

export interface StreamSlice {
  readonly events: readonly RecordedEvent[];
  readonly revision: Revision;
}

/** What a commit says of itself besides its facts. */
export interface CommitContext {
  readonly actor: string;
  /**
   * The command's own id. The same id appended again to the same stream changes nothing and returns the first result,
   * even when the expected revision is stale by now.
   */
  readonly commandId: string;
  readonly causationId?: string;
  readonly correlationId: string;
}

export interface AppendResult {
  readonly revision: Revision;
  /** The command had been carried out before. */
  readonly duplicate: boolean;
}

export type EventStoreErrorCode =
  /** Somebody else appended first: read again, decide again. */
  | 'wrong-expected-revision'
  /** An event breaks its schema or is over the size limit: nothing was written. */
  | 'unwritable-event'
  /** The log can't be reached. */
  | 'unavailable'
  /** No dead letter has this id (any more). */
  | 'no-such-dead-letter';

export class EventStoreError extends Error {
  override readonly name = 'EventStoreError';
  constructor(
    readonly code: EventStoreErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Something that runs until it is stopped; `closed` rejects if it broke by itself. */
export interface Subscription {
  stop(): Promise<void>;
  readonly closed: Promise<void>;
}

/** One commit of the log, whole. */
export interface Commit {
  readonly position: number;
  readonly events: readonly RecordedEvent[];
}

export interface SubscribeOptions {
  /** First position to deliver: a projection's checkpoint + 1. */
  readonly from: number;
  /** Only this category; all when absent. */
  readonly category?: string;
  /** Told of each failed attempt, for the service's own log. */
  readonly onTrouble?: (error: unknown, commit: Commit, attempt: number) => void;
}

export interface WorkOptions {
  /** Durable name: all processes that give the same name share the work. */
  readonly name: string;
  /** How often a commit is tried before it goes to the dead letter. */
  readonly maxAttempts?: number;
  /** Wait before the n-th retry, in ms. */
  readonly retryDelayMs?: (attempt: number) => number;
  /** Commits in work at once; 1 when absent. */
  readonly concurrency?: number;
  /**
   * How often a delivery may end without any answer (its process was killed, or cut off) before the commit goes to the dead
   * letter; 10 when absent. Counted apart from attempts: a restart is no fault of the commit.
   */
  readonly maxInterruptions?: number;
  /** Told of each failed attempt, for the service's own log. */
  readonly onTrouble?: (error: unknown, commit: Commit, attempt: number) => void;
}

/** Thrown by a work handler: not yet; try again later without counting it as a failure. */
export class RetryLater extends Error {
  override readonly name = 'RetryLater';
  constructor(
    readonly delayMs: number,
    message: string,
  ) {
    super(message);
  }
}

/** Thrown by a work handler: it will never work; straight to the dead letter. */
export class PoisonMessage extends Error {
  override readonly name = 'PoisonMessage';
}

/** What a durable worker has before it, on all of its processes. */
export interface WorkerBacklog {
  readonly worker: string;
  /** Commits that were not given out yet. */
  readonly waiting: number;
  /** Commits that were given out and are not acknowledged: in work, or waiting to be tried again. */
  readonly inHand: number;
}

export interface DeadLetter {
  readonly id: string;
  /** The durable worker that gave up. */
  readonly worker: string;
  readonly position: number;
  /** The aggregate that it is about. */
  readonly stream: StreamName;
  readonly attempts: number;
  readonly reason: string;
  readonly at: string;
}

/**
 * The log of everything that ever happened, and the only truth: every other state is a fold of it.
 *
 * One append is one commit of 1..n events, written whole or not at all, always with the revision that the writer decided
 * on. All methods may throw `EventStoreError('unavailable')`.
 */
export abstract class EventStore {
  /** Reads an aggregate from its beginning. An unknown one is empty at revision 0. */
  abstract readStream(stream: StreamName): Promise<StreamSlice>;

  /** Reads the one commit at a position, which takes no longer in a long stream; undefined if there is none. */
  abstract readCommit(position: number): Promise<Commit | undefined>;

  /**
   * Appends one commit.
   * @throws EventStoreError `wrong-expected-revision` if the stream isn't at `expected`; `unwritable-event`.
   */
  abstract appendToStream(
    stream: StreamName,
    expected: Revision,
    facts: readonly Fact[],
    context: CommitContext,
  ): Promise<AppendResult>;

  /**
   * Delivers every commit from a position on, in log order, one at a time, and goes on with new ones. A handler that
   * throws is called again with the same commit: nothing is ever skipped. For projections.
   */
  abstract subscribe(options: SubscribeOptions, handler: (commit: Commit) => Promise<void>): Subscription;

  /**
   * Delivers every commit to one of the workers of that name, at least once, acknowledged when the handler returns. For
   * reactions: the handler must be idempotent, which `CommitContext.commandId` makes easy.
   */
  abstract work(options: WorkOptions, handler: (commit: Commit) => Promise<void>): Promise<Subscription>;

  /** How much each durable worker that ever ran has before it. */
  abstract backlog(): Promise<readonly WorkerBacklog[]>;

  /** What workers gave up on, oldest first, at most 1,000. */
  abstract deadLetters(): Promise<readonly DeadLetter[]>;

  /** Gives a dead letter to its worker once more, and takes it off the list. */
  abstract replayDeadLetter(id: string): Promise<void>;

  /** Position of the last commit; 0 while the log is empty. */
  abstract lastPosition(): Promise<number>;

  abstract close(): Promise<void>;
}
