import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { EmbeddedNats } from '#libs/eventstore';
import { connectRequests, MemoryRequests, type Requests } from '../src/index.js';

interface Harness {
  /** Requests of a process of its own. */
  open(): Promise<Requests>;
  close(): Promise<void>;
}

async function memory(): Promise<Harness> {
  const requests = new MemoryRequests();
  return { open: async () => requests, close: async () => undefined };
}

async function nats(): Promise<Harness> {
  const dataDir = await mkdtemp(join(tmpdir(), 'splicecast-requests-'));
  const server = await EmbeddedNats.start({ dataDir });
  const open: Requests[] = [];
  return {
    async open() {
      const requests = await connectRequests(server.service);
      open.push(requests);
      return requests;
    },
    async close() {
      for (const requests of open) await requests.close();
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

class TokenError extends Error {
  readonly code = 'no-such-key';
}

describe.each([
  ['MemoryRequests', memory],
  ['requests over NATS', nats],
])('%s', (_name, start) => {
  let harness: Harness;
  let asker: Requests;
  let responder: Requests;
  beforeAll(async () => {
    harness = await start();
    asker = await harness.open();
    responder = await harness.open();
  });
  afterAll(() => harness.close());

  test('a question is answered, many at once', async () => {
    await responder.respond('echo', 'service', async (body) => {
      await wait(5);
      return { got: body };
    });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => asker.request('echo', { n, text: 'ü' })));
    expect(answers).toEqual(Array.from({ length: 20 }, (_, n) => ({ got: { n, text: 'ü' } })));
  });

  test.each([[undefined], [null], [0], [''], [[]]])('%p travels as an answer', async (value) => {
    const one = await responder.respond('value', 'service', async () => value);
    expect(await asker.request('value', value)).toEqual(value ?? null);
    await one.stop();
  });

  test('of a group one answers', async () => {
    let answered = 0;
    const count = async (): Promise<void> => void (answered += 1);
    const both = [await responder.respond('count', 'group', count), await asker.respond('count', 'group', count)];
    for (let n = 0; n < 10; n += 1) await asker.request('count', n);
    expect(answered).toBe(10);
    for (const one of both) await one.stop();
    await expect(asker.request('count', 1)).rejects.toMatchObject({ name: 'RequestError', code: 'no-responder' });
  });

  test('a typed error is told, any other only that it happened', async () => {
    await responder.respond('typed', 'service', async () => Promise.reject(new TokenError('no key k1')));
    await responder.respond('untyped', 'service', async () => Promise.reject(new Error('password=hunter2')));
    await expect(asker.request('typed', {})).rejects.toMatchObject({
      code: 'refused',
      refusal: { code: 'no-such-key', message: 'no key k1' },
    });
    const untyped = asker.request('untyped', {});
    await expect(untyped).rejects.toMatchObject({ code: 'refused', refusal: { code: 'internal' } });
    await expect(untyped).rejects.not.toThrow('hunter2');
  });

  test('nobody there, or nobody in time', async () => {
    await expect(asker.request('nobody.there', {})).rejects.toMatchObject({ code: 'no-responder' });
    const late = new AbortController();
    await responder.respond('slow', 'service', () => once(late.signal, 'abort'));
    await expect(asker.request('slow', {}, 50)).rejects.toMatchObject({ code: 'timeout' });
    late.abort();
  });

  test('too much is refused on either side', async () => {
    await responder.respond('large', 'service', async (size) => 'x'.repeat(Number(size)));
    const refused = { code: 'refused', refusal: { code: 'too-large' } };
    await expect(asker.request('large', 'x'.repeat(1_000_001))).rejects.toMatchObject(refused);
    await expect(asker.request('large', 1_000_001)).rejects.toMatchObject(refused);
  });

  test.each(['', '*', 'a.>', 'a b', 'A', 'a..b'])('%p is no subject', async (subject) => {
    await expect(asker.request(subject, {})).rejects.toThrow(TypeError);
    await expect(asker.respond(subject, 'g', async () => 1)).rejects.toThrow(TypeError);
  });
});
