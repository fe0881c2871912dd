import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Hint, hintSubject } from '#libs/contracts';
import { EmbeddedNats } from '#libs/eventstore';
import {
  connectHintPublisher,
  connectHints,
  type HintPublisher,
  type HintServers,
  type HintStatus,
  MemoryHintPublisher,
} from '../src/index.js';
import { connectAs, newMachine } from './machine.fixture.js';
import { Proxy } from './proxy.fixture.js';

const kernel = { distro: 'debian', arch: 'x86_64', release: '6.1.0-54-amd64' };
const stable = hintSubject(kernel, 'stable');
const hint: Hint = { schema: 1, action: 'published', bundleId: 'b1' };

async function until(so: () => boolean, timeoutMs = 25_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; !so();) {
    if (Date.now() > end) throw new Error('it did not happen');
    await wait(5);
  }
}

describe('hints', () => {
  let dataDir: string;
  let server: EmbeddedNats;
  let publisher: HintPublisher;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'splicecast-hints-'));
    server = await EmbeddedNats.start({ dataDir });
    publisher = await connectHintPublisher(server.publisher);
  });
  afterAll(async () => {
    await publisher.close();
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const listen = async (subjects: readonly string[], over: Partial<HintServers> = {}) => {
    const heard: { hint: Hint; subject: string }[] = [];
    const statuses: HintStatus[] = [];
    const connection = await connectHints({
      servers: server.url,
      credentials: newMachine(server.keys, subjects).credentials,
      subjects,
      onHint: (one, subject) => void heard.push({ hint: one, subject }),
      onStatus: (status) => void statuses.push(status),
      ...over,
    });
    return { heard, statuses, connection };
  };

  test('reach the agents of their kernel and tier, and no other', async () => {
    const mine = await listen([stable]);
    const all = await listen(['feed.debian.>']);
    const other = await listen([hintSubject({ ...kernel, release: '6.1.0-53-amd64' }, 'stable')]);
    await until(() => [mine, all, other].every(({ statuses }) => statuses.at(-1) === 'connected'));
    await wait(50);
    await publisher.publish(stable, hint);
    await publisher.publish(hintSubject(kernel, 'canary'), { ...hint, action: 'recalled' });
    await until(() => all.heard.length === 2);
    await wait(50);
    expect(mine.heard).toEqual([{ hint, subject: stable }]);
    expect(all.heard.map(({ subject }) => subject)).toEqual([stable, hintSubject(kernel, 'canary')]);
    expect(other.heard).toEqual([]);
    for (const { connection } of [mine, all, other]) await connection.close();
  });

  test('whatever is no hint is dropped', async () => {
    const { heard, statuses, connection } = await listen(['feed.>']);
    await until(() => statuses.at(-1) === 'connected');
    await wait(50);
    const raw = await connectAs(server.publisher);
    const padded = JSON.stringify({ ...hint, padding: 'x'.repeat(4096) });
    for (const text of [
      '',
      'no json',
      '{}',
      '{"schema":2}',
      'null',
      '[]',
      padded,
      JSON.stringify({ ...hint, bundleId: '../x' }),
    ]) {
      raw.publish(stable, text);
    }
    raw.publish(stable, JSON.stringify(hint));
    await raw.flush();
    await until(() => heard.length > 0);
    await wait(50);
    expect(heard).toEqual([{ hint, subject: stable }]);
    await raw.close();
    await connection.close();
  });

  test('go on after the server was away, and say so', async () => {
    const { heard, statuses, connection } = await listen([stable]);
    await until(() => statuses.at(-1) === 'connected');
    process.kill(server.pid ?? 0, 'SIGKILL');
    await until(() => statuses.includes('disconnected'));
    await until(() => statuses.at(-1) === 'connected');
    await until(() => {
      void publisher.publish(stable, hint).catch(() => undefined);
      return heard.length > 0;
    });
    expect(statuses.slice(0, 3)).toEqual(['connected', 'disconnected', 'connected']);
    await connection.close();
  });

  test.each([
    ['nobody there', { servers: 'nats://127.0.0.1:9' }],
    ['no token', { credentials: undefined }],
  ])('%s: goes on trying, and can be closed at once', async (_what, over) => {
    const { heard, statuses, connection } = await listen([stable], over);
    await wait(200);
    expect([heard, statuses]).toEqual([[], []]);
    const began = Date.now();
    await connection.close();
    expect(Date.now() - began).toBeLessThan(3_000);
  });

  test('can be closed while they still connect', async () => {
    const { statuses, connection } = await listen([stable]);
    await connection.close();
    expect(statuses).toEqual([]);
  });

  describe('from a server that falls silent', () => {
    let proxy: Proxy;
    beforeEach(async () => (proxy = await Proxy.start(server.url)));
    afterEach(() => proxy.stop());

    test('can be stopped', async () => {
      proxy.swallows = true;
      const { statuses, connection } = await listen([stable], { servers: proxy.url });
      await wait(300);
      await connection.close();
      expect(statuses).not.toContain('connected');
    });

    test('are heard again once it is itself, though it refused the token before it answered', async () => {
      proxy.swallows = true;
      const { statuses, connection } = await listen([stable], { servers: proxy.url });
      await wait(300);
      proxy.swallows = false;
      // The second time in a row: the client of NATS gives the server up.
      proxy.refuses = true;
      proxy.refuse();
      await until(() => proxy.refused > 0, 50_000);
      proxy.refuses = false;
      await until(() => statuses.length > 0, 50_000);
      expect(statuses).toEqual(['connected']);
      await connection.close();
    }, 120_000);

    test('are sent again by a publisher that was refused over and over', async () => {
      const through = await connectHintPublisher({ ...server.publisher, servers: proxy.url });
      proxy.refuses = true;
      proxy.refuse();
      await until(() => proxy.refused >= 3);
      proxy.refuses = false;
      const sent = () =>
        through.publish(stable, hint).then(
          () => true,
          () => false,
        );
      for (const end = Date.now() + 20_000; !(await sent());) {
        if (Date.now() > end) throw new Error('nothing was sent any more');
        await wait(50);
      }
      await through.close();
    }, 60_000);
  });

  test.each(['>', 'feed', 'sc.>', 'feed.a b', 'feed.>.x', '_INBOX.>'])(
    '%p is nothing to listen to',
    async (subject) => {
      await expect(listen([subject])).rejects.toMatchObject({ code: 'bad-hint' });
    },
  );

  test('a publisher without a server says so', async () => {
    const nowhere = { servers: 'nats://127.0.0.1:9' };
    await expect(connectHintPublisher(nowhere)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test.each([
    ['NATS', () => publisher],
    ['memory', () => new MemoryHintPublisher()],
  ])('the publisher over %s refuses what is no hint or no subject of hints', async (_name, at) => {
    for (const [subject, one] of [
      ['feed.debian.x86_64.>.stable', hint],
      ['sc.bundle.x', hint],
      ['feed.debian', hint],
      [stable, { ...hint, bundleId: 'NO ID' }],
    ] as const) {
      await expect(at().publish(subject, one)).rejects.toMatchObject({ code: 'bad-hint' });
    }
    await at().publish(stable, hint);
  });

  test('the publisher in memory keeps what was published', async () => {
    const kept = new MemoryHintPublisher();
    await kept.publish(stable, hint);
    expect(kept.published).toEqual([{ subject: stable, hint }]);
  });
});
