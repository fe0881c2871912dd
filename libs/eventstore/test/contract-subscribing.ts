import { setTimeout as wait } from 'node:timers/promises';
import { fact } from '#libs/contracts';
import type { Commit, EventStore, Revision, StreamName } from '../src/port.js';
import { bundleStream, by, promoted, recalled } from './facts.js';
import type { Harness } from './harness.js';
import { until } from './until.js';

/** What every EventStore promises to projections. */
export function subscribingContract(start: () => Promise<Harness>): void {
  let harness: Harness;
  let store: EventStore;
  beforeEach(async () => {
    harness = await start();
    store = await harness.open();
  });
  afterEach(async () => {
    await store.close();
    await harness.close();
  });

  /** Appends `count` commits to a stream, one after the other. */
  async function append(count: number, stream: StreamName = bundleStream('a'), from: Revision = 0): Promise<number[]> {
    const positions: number[] = [];
    for (let n = 0, revision = from; n < count; n += 1) {
      const context = by(`${stream}:${revision}`);
      ({ revision } = await store.appendToStream(stream, revision, [recalled('b', `n${n}`)], context));
      positions.push(revision);
    }
    return positions;
  }

  test('delivers what is there and what comes, whole and in order', async () => {
    const seen: Commit[] = [];
    const before = await append(5);
    const subscription = store.subscribe({ from: 1 }, async (commit) => void seen.push(commit));
    const { revision } = await store.appendToStream(bundleStream('b'), 0, [promoted('b'), recalled('b', 'x')], by('c'));
    const after = await append(5, bundleStream('c'));
    await until(() => seen.length === 11, 'eleven commits are delivered');
    expect(seen.map(({ position }) => position)).toEqual([...before, revision, ...after]);
    expect(seen[5]?.events.map((event) => [event.stream, event.position, event.index, event.fact])).toEqual([
      ['bundle.b', revision, 0, promoted('b')],
      ['bundle.b', revision, 1, recalled('b', 'x')],
    ]);
    await subscription.stop();
    await append(1, bundleStream('d'));
    await wait(100);
    expect(seen).toHaveLength(11);
  });

  test('begins after a checkpoint', async () => {
    const positions = await append(10);
    const checkpoint = positions[6] ?? 0;
    const seen: number[] = [];
    const subscription = store.subscribe({ from: checkpoint + 1 }, async ({ position }) => void seen.push(position));
    await until(() => seen.length >= 3, 'the rest is delivered');
    expect(seen).toEqual(positions.slice(7));
    await subscription.stop();
  });

  test('may begin after the end of the log', async () => {
    const [last = 0] = await append(1);
    const seen: number[] = [];
    const subscription = store.subscribe({ from: last + 1 }, async ({ position }) => void seen.push(position));
    await wait(50);
    const [next = 0] = await append(1, bundleStream('z'));
    await until(() => seen.length > 0, 'the new commit is delivered');
    expect(seen).toEqual([next]);
    await subscription.stop();
  });

  test('of one category only, if asked', async () => {
    await append(2);
    const customer = fact('CustomerRegistered', { customerId: 'c', name: 'A customer' });
    await store.appendToStream('customer.c', 0, [customer], by('c'));
    await append(2, bundleStream('b'));
    const seen: string[] = [];
    const subscription = store.subscribe({ from: 1, category: 'customer' }, async ({ events }) => {
      seen.push(...events.map((event) => event.stream));
    });
    await until(() => seen.length > 0, 'the customer is delivered');
    await wait(100);
    expect(seen).toEqual(['customer.c']);
    await subscription.stop();
  });

  test('a handler that fails is called again with the same commit; nothing is skipped, nothing overtakes', async () => {
    const positions = await append(5);
    const calls: number[] = [];
    const told: number[] = [];
    let failures = 3;
    const subscription = store.subscribe(
      { from: 1, onTrouble: (_error, { position }) => void told.push(position) },
      async ({ position }) => {
        calls.push(position);
        if (position === positions[2] && failures-- > 0) throw new Error('the database is away');
      },
    );
    await until(() => calls.length === 8, 'all are handled');
    const [a, b, c, d, e] = positions;
    expect(calls).toEqual([a, b, c, c, c, c, d, e]);
    expect(told).toEqual([c, c, c]);
    await subscription.stop();
  });

  test('a commit that cannot be read breaks the subscription and is not skipped', async () => {
    const [good] = await append(1);
    await harness.writeRaw('bundle.bad', Buffer.from('[]'));
    await append(1, bundleStream('after'));
    const seen: number[] = [];
    const subscription = store.subscribe({ from: 1 }, async ({ position }) => void seen.push(position));
    await expect(subscription.closed).rejects.toMatchObject({ code: 'malformed-event' });
    expect(seen).toEqual([good]);
  });

  test('stopping waits for the handler in hand', async () => {
    await append(2);
    let [began, ended] = [0, 0];
    const subscription = store.subscribe({ from: 1 }, async () => {
      began += 1;
      await wait(100);
      ended += 1;
    });
    await until(() => began === 1, 'the handler has begun');
    await subscription.stop();
    expect([began, ended]).toEqual([1, 1]);
    await subscription.closed;
  });

  test('a restart of the server in the middle loses, repeats and reorders nothing', async () => {
    const seen: number[] = [];
    const subscription = store.subscribe({ from: 1 }, async ({ position }) => {
      seen.push(position);
      await wait(1);
    });
    const positions: number[] = [];
    const writing = (async () => {
      for (let n = 0, revision = 0; n < 300; n += 1) {
        ({ revision } = await store.appendToStream(bundleStream('a'), revision, [recalled('b', `n${n}`)], by(`c${n}`)));
        positions.push(revision);
        if (n === 250) await wait(50);
      }
    })();
    for (const many of [60, 160]) {
      await until(() => positions.length >= many, `${many} commits are written`);
      await harness.restartServer();
    }
    await writing;
    await until(() => seen.length >= 300, 'all are delivered');
    expect(seen).toEqual(positions);
    const { events } = await store.readStream(bundleStream('a'));
    expect(events.map((event) => event.envelope.data)).toEqual(
      positions.map((_, n) => ({ bundleId: 'b', reason: `n${n}` })),
    );
    await subscription.stop();
  });

  test('catches up over more than a batch', async () => {
    const streams = Array.from({ length: 40 }, (_, n) => bundleStream(`many-${n}`));
    await Promise.all(streams.map((stream) => append(20, stream)));
    const seen: number[] = [];
    const subscription = store.subscribe({ from: 1 }, async ({ position }) => void seen.push(position));
    await until(() => seen.length >= 800, 'all are delivered');
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
    expect(seen).toHaveLength(800);
    await subscription.stop();
  });
}
