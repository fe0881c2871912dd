import { createInbox, type Msg, nanos } from 'nats';
import { Delivery } from './delivery.js';
import type { Wire } from './wire.js';

export interface PullOptions {
  readonly stream: string;
  readonly consumer: string;
  /** Messages that are asked for at the most, and not yet here. */
  readonly batch: number;
  /** Ask for more while the caller still works on what it was given; else only when it has finished with that. */
  readonly ahead?: boolean;
  readonly signal: AbortSignal;
  /** Gives what came but was not yielded back to the consumer, for others. */
  readonly giveBack?: boolean;
  /** Called when a request has ended without being filled; false ends the pull. */
  readonly onIdle?: () => Promise<boolean>;
}

/** How long the server keeps a request open. */
const requestMs = 10_000;
/** How long after that its answer may take. */
const graceMs = 5_000;

/**
 * Yields a consumer's messages as they come, all that are here at once. Ends at the signal, and whenever something is odd
 * (connection lost, consumer gone, server silent, or one that refuses): the caller then looks after the consumer and pulls anew.
 *
 * The client's own `fetch` is not used because it subscribes anew for each request, and what is on its way at the end
 * of one is lost to it.
 */
export async function* pull(wire: Wire, options: PullOptions): AsyncGenerator<readonly Delivery[]> {
  const { connection } = wire;
  const inbox = new Inbox(wire);
  const subject = `$JS.API.CONSUMER.MSG.NEXT.${options.stream}.${options.consumer}`;
  const reply = createInbox();
  const subscription = connection.subscribe(reply, {
    callback: (error, message) => (error === null ? inbox.receive(message) : inbox.end()),
  });
  const ask = (): void => {
    const missing = options.batch - inbox.expected;
    // Single messages would be asked for as they come; half a batch at a time keeps the server busy as well.
    if (missing < options.batch / 2) return;
    connection.publish(subject, JSON.stringify({ batch: missing, expires: nanos(requestMs) }), { reply });
    inbox.expected += missing;
  };
  const end = (): void => inbox.end();
  const forget = wire.onCut(end);
  options.signal.addEventListener('abort', end);
  try {
    if (options.signal.aborted) return;
    for (;;) {
      ask();
      const deliveries = await inbox.take(requestMs + graceMs);
      if (inbox.hasEnded) return;
      if (options.ahead === true) ask();
      if (deliveries.length > 0) yield deliveries;
      else if (options.onIdle !== undefined && !(await options.onIdle())) return;
    }
  } finally {
    forget();
    options.signal.removeEventListener('abort', end);
    if (options.giveBack === true) for (const left of inbox.rest()) left.nak(0);
    if (!connection.isClosed()) subscription.unsubscribe();
  }
}

/** What comes in, between the client's callback and the caller's loop. */
class Inbox {
  hasEnded = false;
  /** Messages that were asked for and may still come. */
  expected = 0;
  private queue: Delivery[] = [];
  private requestIsOver = false;
  private wake: (() => void) | undefined;

  constructor(private readonly wire: Wire) {}

  receive(message: Msg): void {
    const delivery = Delivery.of(this.wire.connection, message);
    if (delivery === undefined) this.receiveStatus(message);
    else {
      this.queue.push(delivery);
      this.expected -= 1;
    }
    this.wake?.();
  }

  end(): void {
    this.hasEnded = true;
    this.wake?.();
  }

  rest(): readonly Delivery[] {
    const rest = this.queue;
    this.queue = [];
    return rest;
  }

  /** Takes what is here, as soon as something is; nothing if a request has ended, or all is over. */
  async take(timeoutMs: number): Promise<readonly Delivery[]> {
    this.requestIsOver = false;
    if (this.isQuiet()) {
      await this.change(timeoutMs);
      if (this.isQuiet()) this.hasEnded = true;
    }
    return this.hasEnded ? [] : this.rest();
  }

  private isQuiet(): boolean {
    return this.queue.length === 0 && !this.hasEnded && !this.requestIsOver;
  }

  private receiveStatus({ headers }: Msg): void {
    const code = headers?.code ?? 503;
    // 100: heartbeat. 404, 408: no (more) messages in this time. 409: too many askers or unacknowledged messages, consumer
    // deleted, server shutting down. 503: nobody there.
    if (code === 404 || code === 408) {
      this.requestIsOver = true;
      // How many of those that it asked for don't come any more (since 2.9).
      const pending = Number(headers?.get('Nats-Pending-Messages') || Number.NaN);
      this.expected = Number.isInteger(pending) ? Math.max(0, this.expected - pending) : 0;
    } else if (code !== 100) this.hasEnded = true;
  }

  private async change(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
  }
}
