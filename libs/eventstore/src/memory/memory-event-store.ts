import type { Fact } from '#libs/contracts';
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

/** The log that outlives the stores over it, as a NATS server outlives the processes that use it. */
export class MemoryLog {}
const unwritten = () => new EventStoreError('unavailable', 'being written');
/** The log in this process's memory, for tests: the JetStream store's twin. Stores over one `MemoryLog` are processes. */
export class MemoryEventStore extends EventStore {
  constructor(readonly log: MemoryLog = new MemoryLog()) {
    super();
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
  async close(): Promise<void> {}
}
