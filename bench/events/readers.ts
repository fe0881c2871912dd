import type { NatsConnection } from 'nats';
import type { EventStore } from '#libs/eventstore';

/** Runs a projection's subscription over the whole log, doing nothing with it. Gives commits per second. */
export async function storeCatchUp(store: EventStore, count: number): Promise<number> {
  const start = performance.now();
  let seen = 0;
  const all = new AbortController();
  const subscription = store.subscribe({ from: 1 }, async ({ events }) => {
    if (events.length === 0) throw new Error('an empty commit');
    if ((seen += 1) === count) all.abort();
  });
  const done = new Promise<void>((resolve) => all.signal.addEventListener('abort', () => resolve()));
  await Promise.race([done, subscription.closed]);
  const rate = count / ((performance.now() - start) / 1000);
  await subscription.stop();
  return rate;
}

/** Runs the NATS client's own ordered consumer over a stream, doing nothing with it. Gives messages per second. */
export async function plainCatchUp(connection: NatsConnection, stream: string, count: number): Promise<number> {
  const start = performance.now();
  const consumer = await connection.jetstream().consumers.get(stream);
  const messages = await consumer.consume({ max_messages: 256 });
  let seen = 0;
  for await (const message of messages) {
    if (message.data.byteLength === 0) throw new Error('an empty message');
    if ((seen += 1) === count) break;
  }
  const rate = count / ((performance.now() - start) / 1000);
  await messages.close();
  return rate;
}
