import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenerToken } from '#libs/broker';
import { EmbeddedNats } from '#libs/eventstore';
import { connectHintPublisher, type HintPublisher } from '#libs/hints';
import { Alarm } from './alarm.js';
import { runDaemon } from './daemon.js';
import { FixtureFeed, license } from './fixture/feed.fixture.js';
import { FixtureMachine, fixtureFix } from './fixture/machine.fixture.js';

const subject = 'feed.debian.x86_64.6_1_0-1-amd64.stable';
let nats: EmbeddedNats;
let dataDir: string;
let publisher: HintPublisher;
let machine: FixtureMachine;
let feed: FixtureFeed;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'daemon-test-'));
  nats = await EmbeddedNats.start({ dataDir });
  publisher = await connectHintPublisher(nats.publisher);
});
afterAll(async () => {
  await publisher.close();
  await nats.stop();
  await rm(dataDir, { recursive: true, force: true });
});
beforeEach(async () => {
  machine = await FixtureMachine.create();
  feed = new FixtureFeed();
  feed.hintsFor = (listener) => ({
    port: nats.port,
    token: listenerToken(nats.keys, { ...listener, subjects: [subject] }),
    subjects: [subject],
  });
});
afterEach(async () => {
  await feed.stop();
  await machine.remove();
});

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 15_000; !(await holds());) {
    if (Date.now() > deadline) throw new Error(`waited for ${what}: ${machine.log.join('\n')}`);
    await sleep(20);
  }
}

describe.each(['sse', 'long-poll'] as const)('where NATS can not pass, hints come by %s', (transport) => {
  it('and what was missed meanwhile comes too', async () => {
    feed.hintsFor = () => ({ port: 1, token: 'a.b.c', subjects: [subject] });
    feed.hintsBy.add(transport);
    const url = await feed.start();
    await machine.agent.register({ url, license, trust: feed.trust, repin: false });
    const stop = new AbortController();
    const options = { pollMs: 3_600_000, signal: stop.signal, alarm: new Alarm(), fallbackMs: 0 };
    const running = runDaemon(machine.context, machine.agent, options);
    await until(transport, async () => (await machine.agent.status()).hearing?.transport === transport);
    const { manifest, module } = fixtureFix('one', ['f']);
    const bundleId = await feed.publish(manifest, module);
    feed.hint({ schema: 1, action: 'published', bundleId });
    await until('the report', () => feed.reports.some(({ type }) => type === 'UpdateApplied'));
    feed.dropConnections();
    feed.recall(bundleId, 'worse than the bug');
    feed.hint({ schema: 1, action: 'recalled', bundleId });
    await until('the reversal', () => feed.reports.some(({ type }) => type === 'UpdateReversed'));
    stop.abort();
    await running;
    expect((await machine.agent.status()).hearing).toBeUndefined();
  });
});

describe('the daemon', () => {
  it('hears of a fix and of its recall at once, and stops when it is told to', async () => {
    const url = await feed.start();
    await machine.agent.register({ url, license, trust: feed.trust, repin: false });
    const stop = new AbortController();
    const options = { pollMs: 3_600_000, signal: stop.signal, alarm: new Alarm() };
    const running = runDaemon(machine.context, machine.agent, options);
    await until('hints', () => machine.log.some((line) => line === 'listening for hints by nats'));
    await until('the status', async () => (await machine.agent.status()).hearing?.transport === 'nats');
    const { manifest, module } = fixtureFix('one', ['f']);
    const bundleId = await feed.publish(manifest, module);
    await publisher.publish(subject, { schema: 1, action: 'published', bundleId });
    await until('the report', () => feed.reports.some(({ type }) => type === 'UpdateApplied'));
    feed.recall(bundleId, 'worse than the bug');
    await publisher.publish(subject, { schema: 1, action: 'recalled', bundleId });
    await until('the reversal', () => feed.reports.some(({ type }) => type === 'UpdateReversed'));
    expect(await machine.modules()).toEqual([]);
    stop.abort();
    await running;
    expect(machine.log.at(-1)).toMatch(/^stopped/);
    expect(machine.log).not.toContain('no hints for now; asking now and then');
    const { token = '' } = (await machine.context.state.lease.read())?.answer.hints ?? {};
    expect(token).not.toBe('');
    expect(machine.log.join('\n')).not.toContain(token);
  });

  it('moves to where a new lease says, and listens nowhere else', async () => {
    const url = await feed.start();
    feed.now = () => machine.at;
    await machine.agent.register({ url, license, trust: feed.trust, repin: false });
    const stop = new AbortController();
    const alarm = new Alarm();
    const options = { pollMs: 3_600_000, signal: stop.signal, alarm, fallbackMs: 0 };
    const running = runDaemon(machine.context, machine.agent, options);
    await until('hints', async () => (await machine.agent.status()).hearing?.transport === 'nats');
    const asked = (): readonly string[] => feed.requests.filter((one) => one.includes('/hints'));
    const before = asked().length;
    feed.hintsBy.add('sse');
    feed.hintsFor = () => ({ port: 1, token: 'a.b.c', subjects: [subject] });
    machine.at = new Date(machine.at.getTime() + feed.leaseMs - 60_000);
    alarm.ring();
    await until('events', () => machine.log.includes('listening for hints by sse'));
    feed.hint({ schema: 1, action: 'published', bundleId: 'b1' });
    await until('the hint', () => machine.log.includes('hint: b1 published'));
    stop.abort();
    await running;
    expect(asked().length - before).toBe(1);
  });

  it('waits for its registration, and lives through a service in trouble', async () => {
    const url = await feed.start();
    const stop = new AbortController();
    const alarm = new Alarm();
    const running = runDaemon(machine.context, machine.agent, { pollMs: 50, signal: stop.signal, alarm });
    await until('the hint to register', () => machine.log.some((line) => line.startsWith('not-registered')));
    await machine.agent.register({ url, license, trust: feed.trust, repin: false });
    feed.trouble = { suffix: '/updates', status: 503, code: 'index-behind' };
    alarm.ring();
    await until('the trouble', () => machine.log.some((line) => line.startsWith('service-unavailable')));
    feed.trouble = undefined;
    const { manifest, module } = fixtureFix('one', ['f']);
    await feed.publish(manifest, module);
    alarm.ring();
    await until('the fix', async () => (await machine.modules()).includes('one'));
    stop.abort();
    await running;
    expect(feed.reports.map(({ type }) => type)).not.toContain('UpdateFailed');
  });
});
