import type { EventStore, RecordedEvent, Subscription } from './port.js';

interface Waiter {
  readonly position: number;
  readonly resolve: () => void;
}

/** The follower lost the log, or is too far behind it. */
export class FollowerBehind extends Error {
  override readonly name = 'FollowerBehind';
  readonly code = 'follower-behind';
}

/** Keeps a fold in memory at the end of the log. It has no checkpoint: it is folded anew at every start. */
export class LogFollower {
  #position = 0;
  #failure: unknown;
  #waiters: Waiter[] = [];
  #subscription: Subscription | undefined;

  constructor(
    private readonly events: EventStore,
    private readonly apply: (event: RecordedEvent) => void,
  ) {}

  /** Folds the whole log as it is now, then follows it. @param onLost told once if it can't follow any more. */
  async start(onLost: (error: unknown) => void): Promise<void> {
    const end = await this.events.lastPosition();
    this.#subscription = this.events.subscribe({ from: 1 }, async ({ position, events }) => {
      for (const event of events) this.apply(event);
      this.#reach(position);
    });
    this.#subscription.closed.catch((error: unknown) => {
      this.#failure = error ?? new Error('closed');
      onLost(this.#failure);
    });
    if (end > 0) await Promise.race([this.#reached(end), this.#subscription.closed]);
  }

  async stop(): Promise<void> {
    await this.#subscription?.stop();
  }

  get position(): number {
    return this.#position;
  }

  /** Whether it can't follow the log any more. */
  get isLost(): boolean {
    return this.#failure !== undefined;
  }

  /** @throws FollowerBehind if the log is lost. */
  check(): void {
    if (this.#failure !== undefined) throw new FollowerBehind('the log can no longer be followed');
  }

  /** Waits until a position of the log is folded. @throws FollowerBehind if that takes longer than `timeoutMs`. */
  async at(position: number, timeoutMs: number): Promise<void> {
    if (this.#position < position) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new FollowerBehind(`position ${position} didn't come`)), timeoutMs);
      });
      try {
        await Promise.race([this.#reached(position), late]);
      } finally {
        clearTimeout(timer);
      }
    }
    this.check();
  }

  #reached(position: number): Promise<void> {
    if (this.#position >= position) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ position, resolve }));
  }

  #reach(position: number): void {
    this.#position = position;
    const waiting = this.#waiters;
    this.#waiters = waiting.filter((waiter) => waiter.position > position);
    for (const waiter of waiting) if (waiter.position <= position) waiter.resolve();
  }
}
