import { appendFile, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { effectiveKernel } from '#libs/contracts';
import { FixtureFeed, license } from './fixture/feed.fixture.js';
import { FixtureMachine, fixtureFix } from './fixture/machine.fixture.js';

let machine: FixtureMachine;
let feed: FixtureFeed;
let url: string;

beforeEach(async () => {
  machine = await FixtureMachine.create();
  feed = new FixtureFeed();
  url = await feed.start();
});
afterEach(async () => {
  await feed.stop();
  await machine.remove();
});

const registered = async (): Promise<void> => {
  await machine.agent.register({ url, license, trust: feed.trust, repin: false });
};
const publish = async (name: string, ...functions: string[]): Promise<string> => {
  const { manifest, module } = fixtureFix(name, functions);
  return feed.publish(manifest, module);
};
const reported = (): string[] => feed.reports.map(({ type }) => type);

describe('from the licence to the running fix', () => {
  it('registers, applies what is offered, tells the service, and says what it amounts to', async () => {
    await registered();
    expect(await machine.agent.status()).toMatchObject({ state: 'nothing-applied', effectiveKernel: '6.1.9-1' });
    const ids = [await publish('one', 'f'), await publish('three', 'g', 'h')];
    await machine.agent.refresh();
    expect(await machine.agent.status()).toMatchObject({ state: 'pending' });
    expect((await machine.agent.upgrade()).map(({ result }) => result)).toEqual(['applied', 'applied']);
    expect(await machine.modules()).toEqual(['one', 'three']);
    expect(reported()).toEqual(['UpdateStaged', 'UpdateApplied', 'UpdateStaged', 'UpdateApplied']);
    expect(await machine.agent.status()).toMatchObject({
      state: 'current',
      effectiveKernel: effectiveKernel('6.1.9-1', ids),
      cvesFixedLive: ['CVE-2026-3000', 'CVE-2026-5000'],
      reportsWaiting: 0,
    });
    expect(await machine.agent.upgrade()).toEqual([]);
    expect(await machine.insmods()).toBe(2);
  });

  it('keeps its secrets to itself and its status for all', async () => {
    await registered();
    const mode = async (name: string) => (await stat(join(machine.root, 'state', name))).mode & 0o777;
    for (const name of ['machine-key.json', 'registration.json', 'lease.json']) expect(await mode(name)).toBe(0o600);
    expect(await mode('status.json')).toBe(0o644);
    const { d } = JSON.parse(await readFile(join(machine.root, 'state/machine-key.json'), 'utf8')) as { d: string };
    const told = machine.log.join() + (await readFile(join(machine.root, 'state/status.json'), 'utf8'));
    for (const secret of [d, license, 'secret']) expect(told).not.toContain(secret);
  });

  it('holds back what replaces a function that another bundle replaces, until that one is gone', async () => {
    await registered();
    const first = await publish('one', 'f');
    const second = await publish('two', 'f', 'g');
    const [, refused] = await machine.agent.upgrade();
    expect(refused).toMatchObject({ bundleId: second, result: 'refused', reasons: [{ code: 'function-conflict' }] });
    expect(await machine.modules()).toEqual(['one']);
    await machine.agent.upgrade();
    expect(reported().filter((type) => type === 'UpdateFailed')).toHaveLength(1);
    await machine.agent.remove([first]);
    await machine.agent.upgrade();
    expect(await machine.modules()).toEqual(['two']);
  });

  it('takes a bundle back when it is recalled, and does not take it in again', async () => {
    await registered();
    const bundleId = await publish('one', 'f');
    await machine.agent.upgrade();
    feed.recall(bundleId, 'it was worse than the bug');
    expect(await machine.agent.upgrade()).toMatchObject([{ bundleId, result: 'reversed' }]);
    expect(await machine.agent.apply([bundleId])).toEqual([]);
    await machine.boot();
    await machine.agent.resume();
    expect(await machine.modules()).toEqual([]);
    expect(reported().at(-1)).toBe('UpdateReversed');
  });

  it('does not take in again what the operator took out, until he says so', async () => {
    await registered();
    const bundleId = await publish('one', 'f');
    await machine.agent.upgrade();
    await machine.agent.remove('all');
    expect(await machine.agent.upgrade()).toEqual([]);
    expect(await machine.agent.status()).toMatchObject({ state: 'held', held: [{ bundleId }] });
    expect(await machine.agent.apply([bundleId])).toMatchObject([{ result: 'applied' }]);
  });

  it('reports what held a transition up, takes the patch back, and tries again later, not at once', async () => {
    await registered();
    const bundleId = await publish('one', 'f');
    await machine.write({
      'sys/transition': '1\n',
      'proc/7/task/7/patch_state': '0\n',
      'proc/7/task/7/comm': 'sleeper\n',
    });
    expect(await machine.agent.upgrade()).toMatchObject([
      { result: 'refused', reasons: [{ code: 'reverse-stalled' }] },
    ]);
    expect(feed.reports).toContainEqual({
      type: 'UpdateStalled',
      data: expect.objectContaining({ bundleId, tasks: [{ pid: 7, name: 'sleeper', stack: [] }] }),
    });
    expect(reported().at(-1)).toBe('UpdateFailed');
  });
});

describe('when the service is in trouble', () => {
  it('says that it is the service, keeps what runs, and tells it later what happened meanwhile', async () => {
    await registered();
    const bundleId = await publish('one', 'f');
    await machine.agent.upgrade();
    feed.trouble = { suffix: '', status: 503, code: 'signer-unavailable' };
    await expect(machine.agent.upgrade()).rejects.toMatchObject({ code: 'service-unavailable' });
    await machine.agent.remove([bundleId]);
    expect(await machine.modules()).toEqual([]);
    const status = await machine.agent.status();
    expect(status).toMatchObject({ reportsWaiting: 1, lastCheckIn: { problem: { code: 'service-unavailable' } } });
    feed.trouble = undefined;
    await machine.agent.upgrade();
    expect(reported()).toEqual(['UpdateStaged', 'UpdateApplied', 'UpdateReversed']);
    expect(await machine.agent.status()).toMatchObject({ reportsWaiting: 0, state: 'held' });
  });

  it('is no failed patch when a download breaks off: it goes on from there', async () => {
    await registered();
    await publish('one', 'f');
    feed.cutAfter = 300;
    await expect(machine.agent.upgrade()).rejects.toMatchObject({ code: 'service-unavailable' });
    expect(await machine.agent.status()).toMatchObject({ state: 'pending' });
    await machine.agent.upgrade();
    expect(feed.requests.filter((line) => line.includes('artefact')).at(-1)).toMatch(/bytes=300-$/);
    expect(await machine.modules()).toEqual(['one']);
    expect(reported()).not.toContain('UpdateFailed');
  });

  it('renews its lease in time, and uses an older one while the service is away', async () => {
    feed.leaseMs = 60 * 60_000;
    await registered();
    const renewals = () => feed.requests.filter((line) => line.endsWith('/lease')).length;
    await machine.agent.upgrade();
    expect(renewals()).toBe(0);
    machine.at = new Date(Date.now() + 45 * 60_000);
    feed.trouble = { suffix: '/lease', status: 503, code: 'signer-unavailable' };
    // The proof of a clock that runs ahead is refused by the updates, but the lease itself was no problem.
    await expect(machine.agent.upgrade()).rejects.toMatchObject({ code: 'service-unavailable' });
    expect(renewals()).toBe(1);
  });

  it('keeps what is applied when the licence ends', async () => {
    await registered();
    await publish('one', 'f');
    await machine.agent.upgrade();
    machine.at = new Date(Date.now() + 23 * 60 * 60_000);
    feed.trouble = { suffix: '/lease', status: 403, code: 'lease-refused' };
    await expect(machine.agent.upgrade()).rejects.toMatchObject({ name: 'AgentError' });
    expect(await machine.modules()).toEqual(['one']);
  });

  it('says that a licence was revoked while the lease still runs, and hears when it holds again', async () => {
    await registered();
    await publish('one', 'f');
    await machine.agent.upgrade();
    feed.withheld = [{ code: 'license-revoked', reason: 'the licence was revoked' }];
    const refusal = {
      code: 'license-refused',
      message: 'the service refused (license-revoked): the licence was revoked',
    };
    await expect(machine.agent.upgrade()).rejects.toMatchObject(refusal);
    // The second time the service says no more than that nothing changed.
    await expect(machine.agent.upgrade()).rejects.toMatchObject(refusal);
    expect(await machine.agent.status()).toMatchObject({ state: 'license', reasons: [{ code: 'license-refused' }] });
    expect(await machine.modules()).toEqual(['one']);
    feed.withheld = undefined;
    expect(await machine.agent.upgrade()).toEqual([]);
    expect(await machine.agent.status()).toMatchObject({ state: 'current' });
  });

  it('takes no lease that the pinned keys did not sign, and no other keys unasked', async () => {
    const other = new FixtureFeed();
    const stranger = { url, license, trust: other.trust, repin: false };
    await expect(machine.agent.register(stranger)).rejects.toMatchObject({ code: 'untrusted' });
    await registered();
    await expect(machine.agent.register(stranger)).rejects.toMatchObject({ code: 'trust-changed' });
  });
});

describe('across boots and crashes', () => {
  it('applies again what ran before, without a network', async () => {
    await registered();
    await publish('one', 'f');
    await machine.agent.upgrade();
    await feed.stop();
    await machine.boot();
    expect(await machine.agent.resume()).toMatchObject([{ result: 'applied' }]);
    expect(await machine.modules()).toEqual(['one']);
    expect(await machine.agent.status()).toMatchObject({ state: 'current', reportsWaiting: 2 });
    feed = new FixtureFeed();
    await feed.start();
  });

  it('holds back a bundle that the machine went down with, until somebody lets it in', async () => {
    await registered();
    const bundleId = await publish('one', 'f');
    await machine.agent.refresh();
    await machine.context.state.journal.append({ type: 'ApplyBegun', bundleId });
    await machine.boot();
    expect(await machine.agent.resume()).toEqual([]);
    expect(await machine.agent.status()).toMatchObject({
      state: 'held',
      held: [{ bundleId, reasons: [{ code: 'crashed' }] }],
    });
    await expect(machine.agent.apply([bundleId])).rejects.toMatchObject({ code: 'held' });
    expect(await machine.insmods()).toBe(0);
    await machine.agent.unhold(bundleId);
    expect(await machine.agent.upgrade()).toMatchObject([{ result: 'applied' }]);
    expect(reported()).toEqual(['UpdateFailed', 'UpdateStaged', 'UpdateApplied']);
  });

  it('finds out how an apply ended that the agent did not live to see', async () => {
    await registered();
    const bundleId = await publish('one', 'f');
    await machine.agent.upgrade();
    // As if it had been killed between insmod and the record.
    await machine.context.state.journal.append({ type: 'ApplyBegun', bundleId });
    expect(await machine.agent.upgrade()).toEqual([]);
    expect(await machine.agent.status()).toMatchObject({ state: 'current', applied: [{ bundleId }] });
    expect(await machine.insmods()).toBe(1);
  });

  it('brings back what somebody else took out of the kernel', async () => {
    await registered();
    const bundleId = await publish('one', 'f');
    await machine.agent.upgrade();
    await machine.context.loader.reverse('one', { transitionTimeoutMs: 100 });
    expect(await machine.agent.upgrade()).toMatchObject([{ bundleId, result: 'applied' }]);
    expect(reported().slice(2)).toEqual(['UpdateReversed', 'UpdateStaged', 'UpdateApplied']);
  });

  it('lives with a journal whose last line was cut off, and with no other damage', async () => {
    await registered();
    await publish('one', 'f');
    await machine.agent.upgrade();
    const journal = join(machine.root, 'state/journal.jsonl');
    await appendFile(journal, '{"type":"Rever');
    expect(await machine.agent.upgrade()).toEqual([]);
    await machine.agent.remove('all');
    expect(await machine.modules()).toEqual([]);
    await appendFile(journal, 'rubbish\n');
    await expect(machine.agent.upgrade()).rejects.toMatchObject({ code: 'broken-state' });
  });
});
