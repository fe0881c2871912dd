/**
 * A bounded queue between who reads the log and who writes the tables: while one batch is being written, the next one gathers,
 * so a single event is written at once and a flood in large transactions.
 */
export class Inbox<T> {
  private readonly items: T[] = [];
  private closed = false;
  private failure: { readonly error: unknown } | undefined;
  private wakeTaker: (() => void) | undefined;
  private wakePutter: (() => void) | undefined;

  constructor(private readonly capacity: number) {}

  /** Adds one item, after there is room. On a closed inbox it is dropped. */
  async put(item: T): Promise<void> {
    while (!this.closed && this.items.length >= this.capacity) {
      await new Promise<void>((resolve) => (this.wakePutter = resolve));
    }
    if (this.closed) return;
    this.items.push(item);
    this.wakeTaker?.();
  }

  /** Nothing more will come, because of this: whoever takes hears of it after the last item. */
  fail(error: unknown): void {
    this.failure = { error };
    this.wakeTaker?.();
  }

  /** Takes all that is there, at most `most`, after there is something; nothing once it is closed. @throws what `fail` was told */
  async take(most: number): Promise<readonly T[]> {
    while (!this.closed && this.failure === undefined && this.items.length === 0) {
      await new Promise<void>((resolve) => (this.wakeTaker = resolve));
    }
    if (this.failure !== undefined && this.items.length === 0) throw this.failure.error;
    const taken = this.items.splice(0, most);
    this.wakePutter?.();
    return taken;
  }

  close(): void {
    this.closed = true;
    this.items.length = 0;
    this.wakeTaker?.();
    this.wakePutter?.();
  }
}
