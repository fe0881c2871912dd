import { setTimeout as wait } from 'node:timers/promises';
import { type HintsResponse, hintsResponseSchema } from '#libs/contracts';
import { days, FeedUnderTest, kernel, problemOf } from './feed.fixture.js';
import { TestMachine } from './machine.fixture.js';

let under: FeedUnderTest;
const streams: EventStream[] = [];
beforeEach(async () => {
  under = new FeedUnderTest();
  await under.start();
});
afterEach(async () => {
  for (const stream of streams.splice(0)) await stream.close();
  await under.stop();
});

async function enrolled(licenseId = 'lic-1', terms: object = {}): Promise<TestMachine> {
  const machine = new TestMachine(under);
  expect((await machine.enrol(await under.license(licenseId, terms))).status).toBe(201);
  return machine;
}

const pathOf = (machine: TestMachine, query: string): string => `/v1/machines/${machine.id}/hints${query}`;

async function poll(machine: TestMachine, query: string): Promise<HintsResponse> {
  const response = await machine.send('GET', pathOf(machine, query));
  expect(response.status).toBe(200);
  return hintsResponseSchema.parse(await response.json());
}

const told = ({ hints }: HintsResponse): string[] => hints.map(({ action, bundleId }) => `${action} ${bundleId}`);

async function until(so: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !so();) {
    if (Date.now() > end) throw new Error('it did not happen');
    await wait(5);
  }
}

/** Reads server-sent events as text, event by event. */
class EventStream {
  readonly events: string[] = [];
  isOver = false;

  private constructor(private readonly reader: ReadableStreamDefaultReader<Uint8Array>) {
    void this.read();
  }

  static async open(machine: TestMachine, query = ''): Promise<EventStream> {
    const response = await machine.send('GET', pathOf(machine, query), { headers: { accept: 'text/event-stream' } });
    const type = response.headers.get('content-type');
    if (type !== 'text/event-stream' || response.body === null) throw new Error(`${response.status} ${type}`);
    const stream = new EventStream(response.body.getReader());
    streams.push(stream);
    await until(() => stream.events.length > 0);
    return stream;
  }

  get hints(): string[] {
    return this.events
      .filter((event) => event.includes('event: hint\n'))
      .map((event) => /data: (.*)/.exec(event)?.[1] ?? '')
      .map((data) => JSON.parse(data) as { action: string; bundleId: string })
      .map(({ action, bundleId }) => `${action} ${bundleId}`);
  }

  async close(): Promise<void> {
    await this.reader.cancel().catch(() => undefined);
  }

  private async read(): Promise<void> {
    let text = '';
    for (;;) {
      const next = await this.reader.read().catch(() => undefined);
      if (next === undefined || next.done) break;
      const parts = (text + Buffer.from(next.value).toString('utf8')).split('\n\n');
      text = parts.pop() ?? '';
      this.events.push(...parts);
    }
    this.isOver = true;
  }
}

describe('a machine that asks since', () => {
  it('is told what it missed, once, and what is its own alone', async () => {
    const machine = await enrolled();
    const { position } = await poll(machine, '?wait=0');
    await under.bundle('b1', 'stable');
    await under.bundle('b2', 'canary');
    await under.bundle('b3', 'stable', { ...kernel, release: '6.1.0-53-amd64', buildId: 'cd'.repeat(20) });
    await under.recall('b1');
    const missed = await poll(machine, `?since=${position}&wait=0`);
    expect(told(missed)).toEqual(['published b1', 'recalled b1']);
    expect(told(await poll(machine, `?since=${missed.position}&wait=0`))).toEqual([]);
    expect(told(await poll(machine, `?since=${missed.hints[0]?.position}&wait=0`))).toEqual(['recalled b1']);
  });

  it('misses nothing, however the news falls between its questions', async () => {
    const machine = await enrolled();
    let { position } = await poll(machine, '?wait=0');
    const heard: string[] = [];
    const expected = Array.from({ length: 12 }, (_, n) => `published b${n}`);
    const asking = (async () => {
      while (heard.length < expected.length) {
        const answer = await poll(machine, `?since=${position}&wait=5`);
        ({ position } = answer);
        heard.push(...told(answer));
      }
    })();
    for (let n = 0; n < expected.length; n += 1) {
      await under.bundle(`b${n}`, 'stable');
      if (n % 3 === 0) await wait(10);
    }
    await asking;
    expect([...new Set(heard)]).toEqual(expected);
  });

  it('with a position of another log is told from now on', async () => {
    const machine = await enrolled();
    const { position } = await poll(machine, '?since=999999999&wait=0');
    expect(position).toBeLessThan(1000);
    for (const query of ['?since=-1', '?since=x', '?wait=61', '?wait=x']) {
      expect(await problemOf(await machine.send('GET', pathOf(machine, query)))).toMatch(/^422 /);
    }
  });
});

it('a long poll is answered at the news, and without any after its time', async () => {
  const machine = await enrolled();
  const { position } = await poll(machine, '?wait=0.05');
  const waiting = poll(machine, `?since=${position}&wait=30`);
  while (!(await under.metricsText()).includes('splicecast_agents_waiting_long_poll 1')) await wait(5);
  await under.bundle('b1', 'stable');
  expect(told(await waiting)).toEqual(['published b1']);
});

describe('a stream of events', () => {
  it('begins with where it stands and what was missed, and goes on with what is new', async () => {
    const machine = await enrolled();
    const { position } = await poll(machine, '?wait=0');
    await under.bundle('b1', 'stable');
    const stream = await EventStream.open(machine, `?since=${position}`);
    await until(() => stream.hints.length === 1);
    await under.bundle('b2', 'stable');
    await until(() => stream.hints.length === 2);
    expect(stream.hints).toEqual(['published b1', 'published b2']);
    expect(stream.events[0]).toMatch(/^id: \d+\nevent: open\n/);
    expect(stream.events.at(-1)).toMatch(/^id: \d+\nevent: hint\n/);
  });

  it('ends when the licence is revoked, and the next one tells of recalls alone', async () => {
    const [machine, bystander] = [await enrolled('lic-1'), await enrolled('lic-2')];
    await under.bundle('b1', 'stable');
    const stream = await EventStream.open(machine);
    const other = await EventStream.open(bystander);
    const waiting = poll(await enrolled('lic-1'), '?wait=60');
    while (!(await under.metricsText()).includes('splicecast_agents_waiting_long_poll 1')) await wait(5);
    await under.revoke('lic-1');
    await until(() => stream.isOver);
    expect(stream.events.at(-1)).toBe('event: end\ndata: changed');
    expect(told(await waiting)).toEqual([]);
    const next = await EventStream.open(machine);
    await under.bundle('b2', 'stable');
    await under.recall('b1');
    await until(() => next.hints.length > 0 && other.hints.length > 1);
    expect(next.hints).toEqual(['recalled b1']);
    expect(other.hints).toEqual(['published b2', 'recalled b1']);
    expect(other.isOver).toBe(false);
  });

  it('of the same machine somewhere else takes the place of the first, and is counted', async () => {
    const machine = await enrolled();
    const first = await EventStream.open(machine);
    const second = await EventStream.open(machine);
    await until(() => first.isOver);
    expect(first.events.at(-1)).toBe('event: end\ndata: replaced');
    expect(second.isOver).toBe(false);
    expect(await under.metricsText()).toContain('splicecast_refusals_total{what="hints",code="replaced"} 1');
    expect(await under.metricsText()).toContain('splicecast_agents_waiting_sse 1');
  });

  it('ends with the service', async () => {
    const stream = await EventStream.open(await enrolled());
    await under.startFeed();
    await until(() => stream.isOver);
    expect(stream.events.at(-1)).toBe('event: end\ndata: stopped');
  });
});

it('is for machines that are known, with their own id and proof', async () => {
  const [machine, other] = [await enrolled(), await enrolled()];
  const stranger = new TestMachine(under);
  expect(await problemOf(await stranger.send('GET', pathOf(stranger, '?wait=0')))).toBe('403 not-enrolled');
  expect(await problemOf(await machine.send('GET', pathOf(other, '?wait=0')))).toBe('403 not-your-machine');
  const proof = await machine.prove('GET', pathOf(machine, '?wait=0'));
  expect((await machine.send('GET', pathOf(machine, '?wait=0'), { proof })).status).toBe(200);
  expect(await problemOf(await machine.send('GET', pathOf(machine, '?wait=0'), { proof }))).toBe('401 proof-replayed');
  under.clock.offsetMs = days(8);
  await under.bundle('b1', 'stable');
  await under.recall('b1');
  expect(told(await poll(machine, '?since=0&wait=0'))).toEqual(['recalled b1']);
});
