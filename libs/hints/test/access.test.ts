import { sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connect } from 'nats';
import { openBrokerKeys } from '#libs/broker';
import { EmbeddedNats } from '#libs/eventstore';
import { connectHintPublisher, connectHints, HintControl, type HintPublisher, type HintStatus } from '../src/index.js';
import { connectAs, newMachine, tokenOf } from './machine.fixture.js';

const [mine, others] = ['feed.debian.x86_64.6_1.stable', 'feed.rhel.x86_64.5_14.stable'];
let dataDir: string;
let server: EmbeddedNats;
let publisher: HintPublisher;
let control: HintControl;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'splicecast-access-'));
  server = await EmbeddedNats.start({ dataDir });
  publisher = await connectHintPublisher(server.publisher);
  control = await HintControl.connect(server.system, server.keys);
});
afterAll(async () => {
  await publisher.close();
  await control.close();
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function until(what: string, so: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 15_000; !(await so());) {
    if (Date.now() > end) throw new Error(`waited for ${what}`);
    await wait(5);
  }
}

/** What was asked while the server was away is asked again, as the feed does. */
async function persistently(ask: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      expect(error).toMatchObject({ code: 'unavailable' });
      if (tries === 5) throw error;
    }
  }
}

const servers = () => server.url;
const nowSec = () => Math.floor(Date.now() / 1000);
const hint = { schema: 1, action: 'published', bundleId: 'b1' } as const;

test('a machine hears its own subject, and is refused every other one and every word', async () => {
  const machine = await connectAs({ servers: servers(), credentials: newMachine(server.keys, [mine]).credentials });
  const witness = await connectAs({ servers: servers(), credentials: newMachine(server.keys, ['>']).credentials });
  const [heard, refused, told]: [string[], string[], string[]] = [[], [], []];
  witness.subscribe('>', { callback: (_error, { subject }) => void told.push(subject) });
  await witness.flush();
  const asked = [mine, others, 'feed.>', 'feed.debian.x86_64.6_1.*', '>', '_INBOX.>', 'sc.>', '$SYS.>', '$JS.API.>'];
  for (const subject of asked) {
    machine.subscribe(subject, {
      callback: (error, message) => void (error ? refused.push(subject) : heard.push(message.subject)),
    });
  }
  await machine.flush();
  for (const subject of [mine, others, 'sc.bundle.x', '$SYS.REQ.CLAIMS.UPDATE', 'anything']) machine.publish(subject);
  await machine.flush().catch(() => undefined);
  for (const subject of [others, mine]) await publisher.publish(subject, hint);
  await until('refusals', () => refused.length === asked.length - 1 && heard.length > 0);
  await until('what the publisher said', () => told.length >= 2);
  expect(refused.toSorted()).toEqual(asked.slice(1).toSorted());
  expect(heard).toEqual([mine]);
  expect(told).toEqual([others, mine]);
  await machine.close();
  await witness.close();
});

test('what is no token of ours, for this key, is not let in', async () => {
  const machine = newMachine(server.keys, [mine]);
  const other = newMachine(server.keys, [mine]);
  const foreign = await openBrokerKeys(join(dataDir, 'foreign'));
  const token = tokenOf(server.keys, machine.key, [mine]);
  const [header, claims = '', signature = ''] = token.split('.');
  const raised = Buffer.from(
    Buffer.from(claims, 'base64url')
      .toString()
      .replace(JSON.stringify([mine]), '["feed.>"]'),
  ).toString('base64url');
  expect(raised).not.toBe(claims);
  const bare = Buffer.from('{"typ":"JWT","alg":"none"}').toString('base64url');
  const self = `${header}.${raised}`;
  const cases = {
    'another machine’s token': { token: tokenOf(server.keys, other.key, [mine]), key: machine.key },
    'another service’s token': newMachine(foreign, [mine]).credentials,
    'one that was changed': { token: `${header}.${raised}.${signature}`, key: machine.key },
    'one that it signed itself': {
      token: `${self}.${sign(null, Buffer.from(self), machine.key).toString('base64url')}`,
      key: machine.key,
    },
    'one without an algorithm': { token: `${bare}.${claims}.`, key: machine.key },
    'one that is over': newMachine(server.keys, [mine], Date.now() - 1_000).credentials,
    nonsense: { token: 'a.b.c', key: machine.key },
    nothing: { token: '', key: machine.key },
  };
  for (const [what, credentials] of Object.entries(cases)) {
    const answer = await connectAs({ servers: servers(), credentials }).then(
      async (connection) => {
        await connection.close();
        return `${what} is let in`;
      },
      (error: { code?: string }) => error.code,
    );
    expect([what, answer]).toEqual([what, 'AUTHORIZATION_VIOLATION']);
  }
  // No signature at all over the nonce: a token that was overheard is of no use.
  const bearer = connect({ servers: servers(), reconnect: false, authenticator: () => ({ jwt: token, sig: '' }) });
  await expect(bearer).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' });
});

test('a token’s end ends the connection, and a renewed one is used for the next', async () => {
  const short = newMachine(server.keys, [mine], Date.now() + 4_000);
  const plain = await connectAs({ servers: servers(), credentials: short.credentials });
  const ended = await plain.closed();
  expect(ended).toMatchObject({ message: expect.stringMatching(/expired/i) });

  const machine = newMachine(server.keys, [mine]);
  let token = tokenOf(server.keys, machine.key, [mine], Date.now() + 5_000);
  const statuses: HintStatus[] = [];
  const heard: string[] = [];
  const connection = await connectHints({
    servers: servers(),
    subjects: [mine],
    credentials: { token: () => token, key: machine.key },
    onHint: ({ bundleId }) => void heard.push(bundleId),
    onStatus: (status) => void statuses.push(status),
  });
  await until('the connection', () => statuses.at(-1) === 'connected');
  token = tokenOf(server.keys, machine.key, [mine]);
  await until('the end', () => statuses.includes('disconnected'));
  await until('the next', () => statuses.at(-1) === 'connected');
  // What is published before the server knows of the subscription again is not for it (a machine that comes back asks what it missed).
  for (const end = Date.now() + 15_000; heard.length === 0 && Date.now() < end; await wait(50)) {
    await publisher.publish(mine, hint);
  }
  expect(heard).toContain(hint.bundleId);
  await connection.close();
});

test('who is cut off is cut off now, stays it after a restart of the server, and comes back with a later token', async () => {
  const [machine, bystander] = [newMachine(server.keys, [mine]), newMachine(server.keys, [mine])];
  const cut = await connectAs({ servers: servers(), credentials: machine.credentials });
  const kept = await connectAs({ servers: servers(), credentials: bystander.credentials });
  const began = performance.now();
  await control.cutOff({ [machine.nkey]: nowSec() });
  await cut.closed();
  expect(performance.now() - began).toBeLessThan(5_000);
  await kept.flush();
  expect(kept.isClosed()).toBe(false);
  await kept.close();
  const again = () => connectAs({ servers: servers(), credentials: machine.credentials });
  await expect(again()).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' });

  const { pid } = server;
  process.kill(pid ?? 0, 'SIGKILL');
  await until('the server', () => server.pid !== undefined && server.pid !== pid);
  await expect(again()).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' });

  // Said again, and the same list said twice, changes nothing.
  for (let times = 0; times < 2; times += 1)
    await persistently(() => control.cutOff({ [machine.nkey]: nowSec() - 7_200 }));
  await (await again()).close();
});

const counted = (count: number) => until(`${count} connections`, async () => (await control.connected()) === count);

test('how many are connected is known', async () => {
  // Who left is counted until the server has noticed; the publisher is always among them.
  await counted(1);
  const machines = await Promise.all(
    [1, 2, 3].map(() => connectAs({ servers: servers(), credentials: newMachine(server.keys, [mine]).credentials })),
  );
  await counted(4);
  expect(await control.connected()).toBe(4);
  for (const machine of machines) await machine.close();
});
