import { digestOf, fact } from '#libs/contracts';
import type { EventStore } from '../src/port.js';
import { bundleStream, by, promoted, recalled } from './facts.js';
import type { Harness } from './harness.js';

/** Every third one expects a revision that there isn't. */
const stale = (n: number): boolean => n % 3 === 0;

/** What every EventStore promises to writers and readers of streams. */
export function appendingContract(start: () => Promise<Harness>): void {
  let harness: Harness;
  let store: EventStore;
  beforeAll(async () => {
    harness = await start();
    store = await harness.open();
  });
  afterAll(async () => {
    await store.close();
    await harness.close();
  });

  test('an unknown stream is empty at revision 0', async () => {
    expect(await store.readStream(bundleStream('unknown'))).toEqual({ events: [], revision: 0 });
  });

  test('a commit is read back whole, with its envelope and its checked facts', async () => {
    const stream = bundleStream('whole');
    const context = { actor: 'machine:a', commandId: 'c1', causationId: 'cause', correlationId: 'run' };
    const { revision, duplicate } = await store.appendToStream(
      stream,
      0,
      [promoted('whole'), recalled('whole', 'ünïcode ✓')],
      context,
    );
    expect(duplicate).toBe(false);
    const slice = await store.readStream(stream);
    expect(slice.revision).toBe(revision);
    expect(slice.events.map(({ position, index, stream: of }) => [of, position, index])).toEqual([
      [stream, revision, 0],
      [stream, revision, 1],
    ]);
    expect(slice.events.map(({ fact: one }) => one)).toEqual([promoted('whole'), recalled('whole', 'ünïcode ✓')]);
    const [first, second] = slice.events.map(({ envelope }) => envelope);
    expect(first).toMatchObject({ type: 'BundlePromoted', v: 1, actor: 'machine:a', causationId: 'cause' });
    expect(first?.correlationId).toBe('run');
    expect(Math.abs(Date.parse(first?.at ?? '') - Date.now())).toBeLessThan(60_000);
    expect(first?.id).not.toBe(second?.id);
    expect(await store.lastPosition()).toBe(revision);
  });

  test('a commit is read by its position alone, and where there is none there is none', async () => {
    const stream = bundleStream('alone');
    const { revision } = await store.appendToStream(stream, 0, [promoted('alone'), recalled('alone', 'no')], by('c1'));
    await store.appendToStream(stream, revision, [promoted('alone')], by('c2'));
    const { events } = await store.readStream(stream);
    const own = events.filter(({ position }) => position === revision);
    expect(own).toHaveLength(2);
    expect(await store.readCommit(revision)).toEqual({ position: revision, events: own });
    const last = await store.lastPosition();
    expect(await Promise.all([0, -1, last + 1].map((position) => store.readCommit(position)))).toEqual(
      Array.from({ length: 3 }),
    );
  });

  test.each([2, 8, 9, 40])('%i commits are read in order', async (count) => {
    const stream = bundleStream(`order-${count}`);
    let revision = 0;
    for (let n = 1; n <= count; n += 1) {
      ({ revision } = await store.appendToStream(stream, revision, [recalled('b', `n${n}`)], by(`c${n}`)));
    }
    const slice = await store.readStream(stream);
    expect(slice.revision).toBe(revision);
    expect(slice.events.map((event) => event.fact)).toEqual(
      Array.from({ length: count }, (_, n) => recalled('b', `n${n + 1}`)),
    );
  });

  test('an append with a stale or invented revision is refused and writes nothing', async () => {
    const stream = bundleStream('conflict');
    const { revision } = await store.appendToStream(stream, 0, [promoted('b')], by('c1'));
    const before = await store.lastPosition();
    for (const [expected, commandId] of [
      [0, 'c2'],
      [revision - 1 || 777, 'c3'],
      [revision + 1, 'c4'],
    ] as const) {
      await expect(store.appendToStream(stream, expected, [promoted('b')], by(commandId))).rejects.toMatchObject({
        code: 'wrong-expected-revision',
      });
    }
    expect(await store.lastPosition()).toBe(before);
  });

  test('of 50 racing writers, in two processes, exactly one wins each round', async () => {
    const stream = bundleStream('race');
    const other = await harness.open();
    let expected = 0;
    for (let round = 1; round <= 3; round += 1) {
      const results = await Promise.allSettled(
        Array.from({ length: 50 }, (_, n) =>
          (n % 2 === 0 ? store : other).appendToStream(
            stream,
            expected,
            [recalled('b', `${round}/${n}`)],
            by(`${round}/${n}`),
          ),
        ),
      );
      const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      expect(won).toHaveLength(1);
      expect(won[0]?.duplicate).toBe(false);
      expect(lost.every((error) => error.code === 'wrong-expected-revision')).toBe(true);
      expected = won[0]?.revision ?? 0;
    }
    expect((await store.readStream(stream)).events).toHaveLength(3);
    await other.close();
  });

  test('of many appends at once each gets its own answer, refused ones among them', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 300 }, (_, n) =>
        store.appendToStream(bundleStream(`many-${n}`), stale(n) ? 1 : 0, [recalled('b', `n${n}`)], by('c')),
      ),
    );
    for (const [n, result] of results.entries()) {
      const { events, revision } = await store.readStream(bundleStream(`many-${n}`));
      expect(events.map(({ fact: one }) => one)).toEqual(stale(n) ? [] : [recalled('b', `n${n}`)]);
      if (result.status === 'fulfilled') expect(result.value).toEqual({ revision, duplicate: false });
      else expect(result.reason).toMatchObject({ code: 'wrong-expected-revision' });
      expect(result.status === 'rejected').toBe(stale(n));
    }
  });

  test('25 writers that read, decide and try again all get in, each once', async () => {
    const stream = bundleStream('retrying');
    const write = async (n: number): Promise<void> => {
      for (;;) {
        const { revision } = await store.readStream(stream);
        try {
          await store.appendToStream(stream, revision, [recalled('b', `n${n}`)], by(`n${n}`));
          return;
        } catch (error) {
          if (!(error instanceof Error && 'code' in error && error.code === 'wrong-expected-revision')) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: 25 }, (_, n) => write(n)));
    const { events } = await store.readStream(stream);
    expect(new Set(events.map(({ envelope }) => JSON.stringify(envelope.data))).size).toBe(25);
    expect(events).toHaveLength(25);
  });

  describe('a command that is repeated changes nothing and gets the first result', () => {
    test('at once, with the same expectation', async () => {
      const stream = bundleStream('repeat-1');
      const first = await store.appendToStream(stream, 0, [promoted('b')], by('same'));
      expect(await store.appendToStream(stream, 0, [promoted('b')], by('same'))).toEqual({ ...first, duplicate: true });
      expect((await store.readStream(stream)).events).toHaveLength(1);
    });

    test.each([['recently'], ['long ago']])('after other commits, whatever it expects now; %s', async (when) => {
      const stream = bundleStream(when === 'recently' ? 'repeat-2' : 'repeat-3');
      const first = await store.appendToStream(stream, 0, [promoted('b')], by('same'));
      let { revision } = first;
      for (let n = 0; n < 12; n += 1) {
        ({ revision } = await store.appendToStream(stream, revision, [recalled('b', `n${n}`)], by(`n${n}`)));
      }
      if (when === 'long ago') await harness.forgetRecentCommands();
      const fresh = await harness.open();
      for (const asked of [store, fresh]) {
        for (const expected of [0, first.revision, revision]) {
          const again = await asked.appendToStream(stream, expected, [recalled('b', 'other')], by('same'));
          expect(again).toEqual({ revision: first.revision, duplicate: true });
        }
      }
      expect((await store.readStream(stream)).revision).toBe(revision);
      await fresh.close();
    });

    test('in another stream it is another command', async () => {
      const [a, b] = [bundleStream('scope-a'), bundleStream('scope-b')];
      await store.appendToStream(a, 0, [promoted('b')], by('same'));
      expect((await store.appendToStream(b, 0, [promoted('b')], by('same'))).duplicate).toBe(false);
    });

    test('names the same events', async () => {
      const twin = await start();
      const other = await twin.open();
      const stream = bundleStream('ids');
      await store.appendToStream(stream, 0, [promoted('b')], by('same'));
      await other.appendToStream(stream, 0, [promoted('b')], by('same'));
      const ids = await Promise.all(
        [store, other].map(async (one) => (await one.readStream(stream)).events[0]?.envelope.id),
      );
      expect(ids[0]).toBe(ids[1]);
      await other.close();
      await twin.close();
    });
  });

  describe('what breaks the contracts is refused before it is written', () => {
    const big = Array.from({ length: 1_100 }, (_, n) => recalled('b', `${n}`.padEnd(1_000, '.')));
    test.each([
      ['no event', bundleStream('refused'), [], 'c'],
      ['data of another shape', bundleStream('refused'), [recalled('NOT AN ID', 'x')], 'c'],
      [
        'an event of another category',
        bundleStream('refused'),
        [fact('CustomerRegistered', { customerId: 'c', name: 'n' })],
        'c',
      ],
      ['an unknown category', 'nonsense.id' as const, [promoted('b')], 'c'],
      ['a wildcard as id', 'bundle.*' as const, [promoted('b')], 'c'],
      ['a deeper subject', 'bundle.a.b' as const, [promoted('b')], 'c'],
      ['more than a megabyte', bundleStream('refused'), big, 'c'],
      ['a line break in the command id', bundleStream('refused'), [promoted('b')], 'c\r\nNats-Msg-Id: x'],
      ['no command id', bundleStream('refused'), [promoted('b')], ''],
    ])('%s', async (_what, stream, facts, commandId) => {
      const before = await store.lastPosition();
      await expect(store.appendToStream(stream, 0, facts, by(commandId))).rejects.toMatchObject({
        code: 'unwritable-event',
      });
      expect(await store.lastPosition()).toBe(before);
    });

    test('what its schema does not know never gets into the log', async () => {
      const stream = bundleStream('extra');
      const extra = { bundleId: 'b', tier: 'canary' as const, secret: digestOf('x') };
      await store.appendToStream(stream, 0, [fact('BundlePromoted', extra)], by('c'));
      expect((await store.readStream(stream)).events[0]?.envelope.data).toEqual({ bundleId: 'b', tier: 'canary' });
    });
  });

  test.each([
    ['no JSON', '{', 'malformed-event'],
    ['an event of a later program', JSON.stringify([envelopeOf('SomethingNew', 1)]), 'unknown-event-type'],
    ['a later version', JSON.stringify([envelopeOf('BundlePromoted', 99)]), 'newer-event-version'],
    ['another shape', JSON.stringify([envelopeOf('BundlePromoted', 1)]), 'malformed-event'],
  ])('a stream with %s in it says so instead of skipping it', async (what, text, code) => {
    const stream = bundleStream(`raw-${digestOf(what).slice(0, 8)}`);
    await harness.writeRaw(stream, Buffer.from(text));
    await expect(store.readStream(stream)).rejects.toMatchObject({ code });
  });
}

function envelopeOf(type: string, v: number): object {
  return { id: 'i', type, v, at: new Date().toISOString(), actor: 'a', correlationId: 'c', data: {} };
}
