import { createInbox, type Msg, nanos } from 'nats';
import { Delivery } from './delivery.js';
import type { Wire } from './wire.js';

export interface PullOptions {
  readonly stream: string;
  readonly consumer: string;
  /** Messages that are asked for at once. The next are asked for when the caller has finished with these. */
  readonly batch: number;
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
 * Yields a consumer's messages as they come. Ends at the signal, and whenever something is odd (connection lost, consumer
 * gone, server silent, or one that refuses): the caller then looks after the consumer and pulls anew.
 *
 * The client's own `fetch` is not used because it subscribes anew for each request, and what is on its way at the end
 * of one is lost to it.
 */
export async function* pull(wire: Wire, options: PullOptions): AsyncGenerator<Delivery> {
  const { connection } = wire;
  const inbox = new Inbox(wire);
  const subject = `$JS.API.CONSUMER.MSG.NEXT.${options.stream}.${options.consumer}`;
  const reply = createInbox();
  const subscription = connection.subscribe(reply, {
    callback: (error, message) => (error === null ? inbox.receive(message) : inbox.end()),
  });
  const end = (): void => inbox.end();
  const forget = wire.onCut(end);
  options.signal.addEventListener('abort', end);
  try {
    if (options.signal.aborted) return;
    for (;;) {
      connection.publish(subject, JSON.stringify({ batch: options.batch, expires: nanos(requestMs) }), { reply });
      const received = yield* inbox.request(options.batch);
      if (inbox.hasEnded) return;
      if (received < options.batch && options.onIdle !== undefined && !(await options.onIdle())) return;
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
  private readonly queue: Delivery[] = [];
  private requestIsOver = false;
  private wake: (() => void) | undefined;

  constructor(private readonly wire: Wire) {}

  receive(message: Msg): void {
    const delivery = Delivery.of(this.wire.connection, message);
    if (delivery !== undefined) this.queue.push(delivery);
    else this.receiveStatus(message.headers?.code ?? 503);
    this.wake?.();
  }

  end(): void {
    this.hasEnded = true;
    this.wake?.();
  }

  rest(): readonly Delivery[] {
    return this.queue.splice(0);
  }

  /** Yields the messages of one request; returns how many there were. */
  async *request(batch: number): AsyncGenerator<Delivery, number> {
    this.requestIsOver = false;
    const deadline = Date.now() + requestMs + graceMs;
    let received = 0;
    while (received < batch) {
      const delivery = this.hasEnded ? undefined : this.queue.shift();
      if (delivery !== undefined) {
        received += 1;
        yield delivery;
      } else if (this.hasEnded || this.requestIsOver) break;
      else if (Date.now() > deadline) this.hasEnded = true;
      else await this.change(deadline - Date.now());
    }
    return received;
  }

  private receiveStatus(code: number): void {
    // 100: heartbeat. 404, 408: no (more) messages in this time. 409: too many askers or unacknowledged messages, consumer
    // deleted, server shutting down. 503: nobody there.
    if (code === 404 || code === 408) this.requestIsOver = true;
    else if (code !== 100) this.hasEnded = true;
  }

  private async change(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs + 1);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
  }
}
