import { setTimeout as wait } from 'node:timers/promises';
import { AckPolicy, type Consumer, DeliverPolicy, type JsMsg, nanos, ReplayPolicy } from 'nats';
import { EventStoreError } from '../port.js';
import type { Wire } from './wire.js';

export interface OrderedOptions {
  readonly stream: string;
  readonly subject: string;
  /** First sequence of the stream. */
  readonly from: number;
  readonly signal: AbortSignal;
}

const batchSize = 256;
const idleMs = 30_000;
/** A consumer that nobody asks any more is removed by the server after that. */
const inactiveMs = 120_000;
const longestPauseMs = 2_000;

/**
 * Yields a stream's messages from a sequence on, in order, none twice and none left out, and goes on with new ones until the
 * signal. The server's consumer is only a cursor: whenever anything is odd (a gap in its numbering, a lost connection, a
 * restarted server), it is thrown away and a new one begins after the last message that the caller has finished with.
 * @throws EventStoreError `unavailable` once the connection is closed.
 */
export async function* ordered(wire: Wire, options: OrderedOptions): AsyncGenerator<JsMsg> {
  const { signal } = options;
  let next = options.from;
  let pauseMs = 50;
  while (!signal.aborted) {
    let consumer: Consumer | undefined;
    try {
      consumer = await createCursor(wire, options, next);
      for await (const message of contiguous(wire, consumer, signal)) {
        yield message;
        next = message.seq + 1;
        pauseMs = 50;
      }
    } catch (error) {
      if (wire.isClosed)
        throw new EventStoreError('unavailable', 'the connection to the log is closed', { cause: error });
    } finally {
      // Best effort: the server removes it by itself soon.
      if (!wire.isClosed) void consumer?.delete().catch(() => undefined);
    }
    if (wire.isClosed && !signal.aborted) {
      throw new EventStoreError('unavailable', 'the connection to the log is closed');
    }
    await wait(pauseMs, undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

async function createCursor(wire: Wire, options: OrderedOptions, next: number): Promise<Consumer> {
  const info = await wire.manager.consumers.add(options.stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(next, 1),
    filter_subject: options.subject,
    replay_policy: ReplayPolicy.Instant,
    inactive_threshold: nanos(inactiveMs),
    max_deliver: 1,
    mem_storage: true,
    num_replicas: 1,
  });
  return wire.js.consumers.get(options.stream, info.name);
}

/** Yields a cursor's messages while their numbering has no gap and the connection stands. */
async function* contiguous(wire: Wire, cursor: Consumer, signal: AbortSignal): AsyncGenerator<JsMsg> {
  let received = 0;
  let cut = false;
  for (;;) {
    const batch = await cursor.fetch({ max_messages: batchSize, expires: idleMs });
    const stop = (): void => batch.stop();
    const forget = wire.onCut(() => {
      cut = true;
      stop();
    });
    signal.addEventListener('abort', stop);
    let inBatch = 0;
    try {
      if (signal.aborted) stop();
      for await (const message of batch) {
        if (signal.aborted) return;
        if (message.info.deliverySequence !== received + 1) return;
        received += 1;
        inBatch += 1;
        yield message;
      }
    } finally {
      forget();
      signal.removeEventListener('abort', stop);
    }
    if (cut || signal.aborted) return;
    // A batch that ends early may have lost its last message on the way, and nothing would follow to show the gap.
    if (inBatch < batchSize && (await cursor.info()).delivered.consumer_seq !== received) return;
  }
}
