import { setTimeout as wait } from 'node:timers/promises';
import { type Commit, type EventStore, PoisonMessage, RetryLater, type WorkOptions } from '../src/port.js';
import { bundleStream, by, promoted, recalled } from './facts.js';
import type { Harness } from './harness.js';
import { until } from './until.js';

const quick = (name: string): WorkOptions => ({ name, maxAttempts: 3, retryDelayMs: () => 20 });

const noteInto = (at: number[]) => async (commit: Commit) => {
  at.push(commit.position);
  await wait(5);
};

/** What every EventStore promises to reactions. */
export function workingContract(start: () => Promise<Harness>): void {
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

  async function append(count: number, prefix = 'a'): Promise<number[]> {
    const appended = Array.from({ length: count }, (_, n) =>
      store.appendToStream(bundleStream(`${prefix}-${n}`), 0, [promoted('b')], by(`c${n}`)),
    );
    return (await Promise.all(appended)).map(({ revision }) => revision).sort((a, b) => a - b);
  }
  const noLetters = async (): Promise<boolean> => (await store.deadLetters()).length === 0;

  test('every commit is worked on, past and future, and a second worker of the name shares them', async () => {
    const before = await append(10);
    const other = await harness.open();
    const [mine, theirs]: [number[], number[]] = [[], []];
    await store.work(quick('shared'), noteInto(mine));
    await other.work(quick('shared'), noteInto(theirs));
    const after = await append(40, 'b');
    await until(() => mine.length + theirs.length >= 50, 'all are worked on');
    await wait(50);
    expect([...mine, ...theirs].sort((a, b) => a - b)).toEqual([...before, ...after]);
    expect(Math.min(mine.length, theirs.length)).toBeGreaterThan(5);
    await other.close();
  });

  test('it is known how much each worker has before it', async () => {
    await append(3);
    const held = new AbortController();
    const running = await store.work(quick('slow'), async ({ position }) => {
      if (position === 2) await wait(60_000, undefined, { signal: held.signal }).catch(() => undefined);
    });
    const backlog = async () => (await store.backlog()).find(({ worker }) => worker === 'slow');
    const isSecondInHand = async (): Promise<boolean> => {
      const now = await backlog();
      return now?.waiting === 1 && now.inHand === 1;
    };
    await until(isSecondInHand, 'the second is in hand and the third waits');
    held.abort();
    await until(async () => (await backlog())?.waiting === 0, 'all are worked on');
    await running.stop();
    await append(2, 'later');
    await until(async () => (await backlog())?.waiting === 2, 'two wait');
  });

  test('workers of different names each get everything; a worker that comes back goes on where it was', async () => {
    const positions = await append(6);
    const seen = { one: [] as number[], two: [] as number[] };
    const first = await store.work(quick('one'), async ({ position }) => void seen.one.push(position));
    await store.work(quick('two'), async ({ position }) => void seen.two.push(position));
    await until(() => seen.one.length === 6 && seen.two.length === 6, 'both have worked on everything');
    await first.stop();
    const [later = 0] = await append(1, 'later');
    const again = await harness.open();
    await again.work(quick('one'), async ({ position }) => void seen.one.push(position));
    await until(() => seen.one.length === 7, 'the new one is worked on');
    await wait(50);
    expect(seen.one).toEqual([...positions, later]);
    await again.close();
  });

  test('works on several at once where it may', async () => {
    let [now, most] = [0, 0];
    await append(12);
    await store.work({ ...quick('wide'), concurrency: 4 }, async () => {
      most = Math.max(most, (now += 1));
      await wait(50);
      now -= 1;
    });
    await until(() => most === 4, 'four are in work at once');
    await wait(100);
    expect(most).toBe(4);
  });

  test('a job that takes longer than the server waits for a sign of life is done once', async () => {
    const calls: number[] = [];
    let done = 0;
    await append(1);
    await store.work(quick('slow'), async ({ position }) => {
      calls.push(position);
      await wait(2_500);
      done += 1;
    });
    await until(() => done === 1, 'the job is done');
    await wait(300);
    expect(calls).toHaveLength(1);
  });

  test('a process that dies between its append and the ack: the commit comes again, its effect stands once', async () => {
    const [position] = await append(1);
    const effect = bundleStream('effect');
    const results: boolean[] = [];
    const react = (to: EventStore, die: boolean) => async (commit: Commit) => {
      const [event] = commit.events;
      if (event === undefined || event.stream === effect) return;
      expect(commit.position).toBe(position);
      const { revision } = await to.readStream(effect);
      const context = by(`react:${event.envelope.id}`);
      const { duplicate } = await to.appendToStream(effect, revision, [recalled('b', 'effect')], context);
      results.push(duplicate);
      if (die) await harness.kill(to);
    };
    const doomed = await harness.open();
    await doomed.work(quick('react'), react(doomed, true));
    await until(() => results.length === 1, 'the first process reacts');
    await store.work(quick('react'), react(store, false));
    await until(() => results.length === 2, 'the commit comes again');
    await wait(200);
    expect(results).toEqual([false, true]);
    expect((await store.readStream(effect)).events).toHaveLength(1);
    expect(await noLetters()).toBe(true);
  });

  test('a handler that fails now and then is tried again, later, and no dead letter is left', async () => {
    const [position] = await append(1);
    const at: number[] = [];
    const told: number[] = [];
    const options = {
      ...quick('flaky'),
      retryDelayMs: () => 200,
      onTrouble: (_e: unknown, _c: Commit, n: number) => void told.push(n),
    };
    await store.work(options, async (commit) => {
      expect(commit.position).toBe(position);
      at.push(Date.now());
      if (at.length < 3) throw new Error('not now');
    });
    await until(() => at.length === 3, 'it is tried three times');
    await wait(300);
    expect(at).toHaveLength(3);
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(190);
    expect(told).toEqual([1, 2]);
    expect(await noLetters()).toBe(true);
  });

  test('RetryLater is no failure, however often; failures before and after it count on', async () => {
    await append(1);
    const calls: string[] = [];
    await store.work(quick('later'), async () => {
      calls.push('call');
      if (calls.length === 1 || calls.length === 12) throw new Error('failure');
      if (calls.length < 14) throw new RetryLater(10, 'not yet');
      throw new Error('third failure');
    });
    await until(async () => !(await noLetters()), 'it is given up');
    expect(calls).toHaveLength(14);
    expect(await store.deadLetters()).toMatchObject([{ attempts: 3, reason: 'Error: third failure' }]);
  });

  test('a commit that never works ends in a dead letter and holds up nothing; replayed, it is worked on again', async () => {
    const positions = await append(3);
    const [, bad = 0] = positions;
    let broken = true;
    const calls: number[] = [];
    await store.work(quick('stage'), async ({ position }) => {
      calls.push(position);
      if (broken && position === bad) throw new Error('boom', { cause: new Error('the reason') });
    });
    await until(async () => !(await noLetters()), 'it is given up');
    await until(() => calls.length === 5, 'all are worked on');
    const [letter] = await store.deadLetters();
    expect(letter).toMatchObject({ id: `stage.${bad}`, worker: 'stage', position: bad, attempts: 3 });
    expect(letter?.reason).toBe('Error: boom ← Error: the reason');
    expect(letter?.stream).toMatch(/^bundle\.a-\d$/);
    expect(Date.parse(letter?.at ?? '')).toBeGreaterThan(Date.now() - 60_000);

    await store.replayDeadLetter(`stage.${bad}`);
    await until(() => calls.length === 8, 'the replay fails as often');
    await until(async () => !(await noLetters()), 'it is given up again');
    broken = false;
    await store.replayDeadLetter(`stage.${bad}`);
    await until(() => calls.length === 9, 'it is worked on');
    await wait(100);
    expect(calls).toHaveLength(9);
    expect(await noLetters()).toBe(true);
    await expect(store.replayDeadLetter(`stage.${bad}`)).rejects.toMatchObject({ code: 'no-such-dead-letter' });
  });

  test.each(['', 'nobody.1', 'stage', 'stage.*', 'stage.>', 'a.b.1', 'stage.0', 'stage.1e3'])(
    'the id %p names no dead letter',
    async (id) => {
      await expect(store.replayDeadLetter(id)).rejects.toMatchObject({ code: 'no-such-dead-letter' });
    },
  );

  test('PoisonMessage and unreadable commits are given up at once', async () => {
    await append(1);
    await harness.writeRaw('bundle.raw', Buffer.from('{'));
    let calls = 0;
    await store.work(quick('poisoned'), async () => {
      calls += 1;
      throw new PoisonMessage('never');
    });
    await until(async () => (await store.deadLetters()).length === 2, 'both are given up');
    expect(calls).toBe(1);
    const letters = await store.deadLetters();
    expect(letters.map(({ attempts }) => attempts)).toEqual([1, 1]);
    expect(letters[0]?.reason).toBe('PoisonMessage: never');
    expect(letters[1]).toMatchObject({ stream: 'bundle.raw', reason: expect.stringMatching(/^EventError/) });
  });

  test('a commit that kills its worker each time ends in a dead letter', async () => {
    const [position] = await append(1);
    let calls = 0;
    const options = { ...quick('crashing'), maxInterruptions: 2 };
    for (let life = 0; life < 3 && (await noLetters()); life += 1) {
      const doomed = await harness.open();
      const before = calls;
      await doomed.work(options, async () => {
        calls += 1;
        await harness.kill(doomed);
      });
      await until(async () => calls > before || !(await noLetters()), 'it is worked on or given up');
      await doomed.close();
    }
    expect(calls).toBe(2);
    const letters = await store.deadLetters();
    expect(letters).toMatchObject([{ position, attempts: 2, reason: expect.stringContaining('2 times') }]);
  });

  test('a restart of the server in the middle: everything is worked on, effects stand once, nothing is given up', async () => {
    const effect = bundleStream('effect');
    const handled = new Set<number>();
    const react = (to: EventStore) => async (commit: Commit) => {
      const [event] = commit.events;
      if (event === undefined || event.stream === effect) return;
      for (;;) {
        const { revision } = await to.readStream(effect);
        try {
          await to.appendToStream(effect, revision, [recalled('b', event.stream)], by(`react:${event.envelope.id}`));
          break;
        } catch (error) {
          if (!(error instanceof Error && 'code' in error && error.code === 'wrong-expected-revision')) throw error;
        }
      }
      handled.add(commit.position);
    };
    await store.work({ ...quick('react'), concurrency: 2 }, react(store));
    const first = await append(30);
    await until(() => handled.size > 10, 'some are worked on');
    await harness.restartServer();
    const second = await append(30, 'b');
    await until(() => handled.size > 40, 'most are worked on');
    await harness.restartServer();
    await until(() => handled.size === 60, 'all are worked on');
    expect([...handled].sort((a, b) => a - b)).toEqual([...first, ...second]);
    const { events } = await store.readStream(effect);
    expect(events).toHaveLength(60);
    expect(await noLetters()).toBe(true);
  });

  test('stopping waits for the job in hand, and takes no other', async () => {
    await append(3);
    let [began, ended] = [0, 0];
    const worker = await store.work(quick('stopping'), async () => {
      began += 1;
      await wait(200);
      ended += 1;
    });
    await until(() => began === 1, 'the job has begun');
    await worker.stop();
    expect([began, ended]).toEqual([1, 1]);
    await worker.closed;
  });

  test.each(['', 'Has.Dots', 'a b', '*'])('%p is no name of a worker', async (name) => {
    await expect(store.work({ name }, async () => undefined)).rejects.toThrow(TypeError);
  });
}
