import type { DeadLetter, StreamName, WorkerBacklog } from '../port.js';
import { noTries, type Tries } from '../work-policy.js';

/** A commit as it is kept: its bytes, so that reading it back goes through the same checks as on JetStream. */
export interface KeptCommit {
  readonly position: number;
  readonly stream: StreamName;
  readonly commandKey: string;
  readonly bytes: Uint8Array;
}

/** A commit that a durable worker has been given and that isn't acknowledged. */
export interface Delivery {
  /** Names the record of tries: the position, or `r<n>` for a replay. */
  readonly key: string;
  readonly position: number;
  deliveries: number;
  tries: Tries;
  /** When it may be given out (again), in ms since the epoch. */
  dueAt: number;
  /** The store that works on it now. */
  holder: object | undefined;
}

interface DurableWorker {
  /** Position of the last commit that became a delivery. */
  cursor: number;
  replays: number;
  readonly deliveries: Map<string, Delivery>;
}

/**
 * The log that outlives the stores over it, as a NATS server outlives the processes that use it. Several stores over one log
 * are several processes.
 */
export class MemoryLog {
  readonly commits: KeptCommit[] = [];
  readonly letters = new Map<string, DeadLetter>();
  private readonly workers = new Map<string, DurableWorker>();
  private readonly watchers = new Set<() => void>();
  private down = false;

  /** While it is down, nothing is read or written, as with a NATS server that is being restarted. */
  get isDown(): boolean {
    return this.down;
  }

  stop(): void {
    this.down = true;
  }

  start(): void {
    this.down = false;
    this.changed();
  }

  /** What each worker has before it. */
  backlog(): readonly WorkerBacklog[] {
    return [...this.workers].map(([worker, { cursor, deliveries }]) => ({
      worker,
      waiting: this.commits.length - cursor,
      inHand: deliveries.size,
    }));
  }

  /** Wakes everybody who waits for something new. */
  changed(): void {
    for (const wake of this.watchers) wake();
  }

  /** Resolves at the next change, after `timeoutMs`, or at the signal. */
  async nextChange(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.watchers.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.watchers.add(done);
      signal?.addEventListener('abort', done);
      if (signal?.aborted === true) done();
    });
  }

  /** A durable worker's state; it begins at the log's first commit. */
  worker(name: string): DurableWorker {
    const known = this.workers.get(name);
    if (known !== undefined) return known;
    const made = { cursor: 0, replays: 0, deliveries: new Map<string, Delivery>() };
    this.workers.set(name, made);
    return made;
  }

  /** Gives `holder` a delivery that is due, or the next commit; undefined if there is none now. */
  take(name: string, holder: object): Delivery | undefined {
    const worker = this.worker(name);
    const now = Date.now();
    for (const delivery of worker.deliveries.values()) {
      if (delivery.holder === undefined && delivery.dueAt <= now) return this.give(delivery, holder);
    }
    const next = this.commits[worker.cursor];
    if (next === undefined) return undefined;
    worker.cursor = next.position;
    return this.give(this.newDelivery(worker, String(next.position), next.position), holder);
  }

  /** Orders a commit once more for a worker. */
  replay(name: string, position: number): void {
    const worker = this.worker(name);
    worker.replays += 1;
    this.newDelivery(worker, `r${worker.replays}`, position);
    this.changed();
  }

  /** What a store holds is given to others, as when its process dies. */
  release(holder: object): void {
    for (const { deliveries } of this.workers.values()) {
      for (const delivery of deliveries.values()) if (delivery.holder === holder) delivery.holder = undefined;
    }
    this.changed();
  }

  private newDelivery(worker: DurableWorker, key: string, position: number): Delivery {
    const delivery: Delivery = { key, position, deliveries: 0, tries: noTries, dueAt: 0, holder: undefined };
    worker.deliveries.set(key, delivery);
    return delivery;
  }

  private give(delivery: Delivery, holder: object): Delivery {
    delivery.holder = holder;
    delivery.deliveries += 1;
    return delivery;
  }
}
