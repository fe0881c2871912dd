import { setTimeout as wait } from 'node:timers/promises';
import { AckPolicy, DeliverPolicy, nanos, NatsError, ReplayPolicy } from 'nats';
import { EventStoreError } from '../port.js';
import type { Delivery } from './delivery.js';
import { pull } from './pull.js';
import type { Wire } from './wire.js';

export interface OrderedOptions {
  readonly stream: string;
  readonly subject: string;
  /** First sequence of the stream. */
  readonly from: number;
  readonly signal: AbortSignal;
}

const batchSize = 256;
/** A consumer that nobody asks any more is removed by the server after that. */
const inactiveMs = 120_000;
const longestPauseMs = 2_000;

/**
 * Yields a stream's messages from a sequence on, in order, none twice and none left out, all that are here at once, and goes on
 * with new ones until the signal. The server's consumer is only a cursor: whenever anything is odd (a gap in its numbering, a lost connection, a
 * restarted server), it is thrown away and a new one begins after the last message that the caller has finished with.
 * @throws EventStoreError `unavailable` once the connection is closed.
 */
export async function* ordered(wire: Wire, options: OrderedOptions): AsyncGenerator<readonly Delivery[]> {
  const { signal } = options;
  let next = options.from;
  let pauseMs = 20;
  while (!signal.aborted) {
    let cursor: string | undefined;
    try {
      cursor = await createCursor(wire, options, next);
      for await (const deliveries of contiguous(wire, options.stream, cursor, signal)) {
        yield deliveries;
        next = (deliveries.at(-1)?.seq ?? next - 1) + 1;
        pauseMs = 20;
      }
    } catch (error) {
      if (!(error instanceof NatsError || error instanceof EventStoreError)) throw error;
    } finally {
      // Best effort: the server removes it by itself soon.
      if (cursor !== undefined && !wire.isClosed) {
        wire.manager.consumers.delete(options.stream, cursor).catch(() => undefined);
      }
    }
    if (signal.aborted) return;
    if (wire.isClosed) throw new EventStoreError('unavailable', 'the connection to the log is closed');
    await wait(pauseMs, undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

async function createCursor(wire: Wire, options: OrderedOptions, next: number): Promise<string> {
  const asked = {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(next, 1),
    filter_subject: options.subject,
    replay_policy: ReplayPolicy.Instant,
    inactive_threshold: nanos(inactiveMs),
    max_deliver: 1,
    mem_storage: true,
    num_replicas: 1,
  };
  const info = await wire.ask(() => wire.manager.consumers.add(options.stream, asked));
  return info.name;
}

/** Yields a cursor's messages while their numbering has no gap. */
async function* contiguous(
  wire: Wire,
  stream: string,
  consumer: string,
  signal: AbortSignal,
): AsyncGenerator<readonly Delivery[]> {
  let received = 0;
  const onIdle = async (): Promise<boolean> => {
    // If the last message was lost on the way, nothing would follow to show the gap.
    const { delivered } = await wire.manager.consumers.info(stream, consumer);
    return delivered.consumer_seq === received;
  };
  for await (const deliveries of pull(wire, { stream, consumer, batch: batchSize, ahead: true, signal, onIdle })) {
    const before = received;
    const gap = deliveries.findIndex(({ deliverySeq }, index) => deliverySeq !== before + index + 1);
    const whole = gap < 0 ? deliveries : deliveries.slice(0, gap);
    received += whole.length;
    if (whole.length > 0) yield whole;
    if (gap >= 0) return;
  }
}
