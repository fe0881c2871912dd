import type { Fact } from '#libs/contracts';
import { categoryOf, decodeCommit, encodeCommit } from '../commit-codec.js';
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
  type WorkerBacklog,
  type WorkOptions,
} from '../port.js';
import { untilHandled } from '../retry.js';
import { type KeptCommit, MemoryLog } from './memory-log.js';
import { startMemoryWorker } from './memory-worker.js';

export interface MemoryOptions {
  /** How long a call waits for a log that is down before it says `unavailable`; 2 s when absent. */
  readonly patienceMs?: number;
}

/** The log in this process's memory, for tests: the JetStream store's twin. */
export class MemoryEventStore extends EventStore {
  private readonly running = new Set<Subscription>();
  private readonly killed = new AbortController();

  constructor(
    readonly log: MemoryLog = new MemoryLog(),
    private readonly options: MemoryOptions = {},
  ) {
    super();
  }

  /** Ends this store as `kill -9` ends a process: nothing it has in hand is acknowledged, and others get it. */
  kill(): void {
    this.killed.abort();
    this.log.release(this);
  }

  async readStream(stream: StreamName): Promise<StreamSlice> {
    categoryOf(stream);
    await this.untilUp();
    const commits = this.commitsOf(stream);
    const events = commits.flatMap(({ position, bytes }) => decodeCommit(stream, position, bytes).events);
    return { events, revision: commits.at(-1)?.position ?? 0 };
  }

  async readCommit(position: number): Promise<Commit | undefined> {
    await this.untilUp();
    const kept = this.log.commits[position - 1];
    return kept === undefined ? undefined : decodeCommit(kept.stream, position, kept.bytes);
  }

  async appendToStream(
    stream: StreamName,
    expected: Revision,
    facts: readonly Fact[],
    context: CommitContext,
  ): Promise<AppendResult> {
    const { commandKey, bytes } = encodeCommit(stream, facts, context, new Date());
    await this.untilUp();
    const commits = this.commitsOf(stream);
    const before = commits.find((commit) => commit.commandKey === commandKey);
    if (before !== undefined) return { revision: before.position, duplicate: true };
    const revision = commits.at(-1)?.position ?? 0;
    if (revision !== expected) {
      throw new EventStoreError('wrong-expected-revision', `${stream} is at ${revision}, not at ${expected}`);
    }
    const position = this.log.commits.length + 1;
    this.log.commits.push({ position, stream, commandKey, bytes });
    this.log.changed();
    return { revision: position, duplicate: false };
  }

  subscribe(options: SubscribeOptions, handler: (commit: Commit) => Promise<void>): Subscription {
    const stopped = new AbortController();
    const signal = AbortSignal.any([stopped.signal, this.killed.signal]);
    const closed = this.deliver(options, handler, signal);
    closed.catch(() => undefined);
    return this.keep({
      closed,
      stop: async () => {
        stopped.abort();
        if (!this.killed.signal.aborted) await closed.catch(() => undefined);
      },
    });
  }

  async work(options: WorkOptions, handler: (commit: Commit) => Promise<void>): Promise<Subscription> {
    await this.untilUp();
    return this.keep(startMemoryWorker(this.log, this, this.killed.signal, options, handler));
  }

  async backlog(): Promise<readonly WorkerBacklog[]> {
    await this.untilUp();
    return this.log.backlog();
  }

  async deadLetters(): Promise<readonly DeadLetter[]> {
    await this.untilUp();
    return [...this.log.letters.values()].slice(0, 1_000);
  }

  async replayDeadLetter(id: string): Promise<void> {
    await this.untilUp();
    const letter = this.log.letters.get(id);
    if (letter === undefined) {
      throw new EventStoreError('no-such-dead-letter', `there is no dead letter ${id.slice(0, 100)}`);
    }
    this.log.letters.delete(id);
    this.log.replay(letter.worker, letter.position);
  }

  async lastPosition(): Promise<number> {
    await this.untilUp();
    return this.log.commits.length;
  }

  async close(): Promise<void> {
    await Promise.all([...this.running].map((one) => one.stop()));
    this.kill();
  }

  private commitsOf(stream: StreamName): readonly KeptCommit[] {
    return this.log.commits.filter((commit) => commit.stream === stream);
  }

  private async deliver(
    options: SubscribeOptions,
    handler: (commit: Commit) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    let next = Math.max(options.from, 1);
    while (!signal.aborted) {
      const kept = this.log.isDown ? undefined : this.log.commits[next - 1];
      if (kept === undefined) {
        await this.log.nextChange(1_000, signal);
        continue;
      }
      const { stream, position, bytes } = kept;
      if (options.category === undefined || stream.startsWith(`${options.category}.`)) {
        await untilHandled(decodeCommit(stream, position, bytes), handler, options, signal);
      }
      next += 1;
    }
  }

  /** @throws EventStoreError `unavailable` if the log stays down, or the store is closed. */
  private async untilUp(): Promise<void> {
    const deadline = Date.now() + (this.options.patienceMs ?? 2_000);
    while (this.log.isDown && Date.now() < deadline && !this.killed.signal.aborted) {
      await this.log.nextChange(Math.max(deadline - Date.now(), 1), this.killed.signal);
    }
    if (this.log.isDown || this.killed.signal.aborted) {
      throw new EventStoreError('unavailable', "the log can't be reached");
    }
  }

  private keep(subscription: Subscription): Subscription {
    this.running.add(subscription);
    const forget = (): void => void this.running.delete(subscription);
    subscription.closed.then(forget, forget);
    return subscription;
  }
}
