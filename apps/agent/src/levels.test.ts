import { FixtureFeed, license } from './fixture/feed.fixture.js';
import { FixtureMachine, fixtureFix, fixtureLevel } from './fixture/machine.fixture.js';

let machine: FixtureMachine;
let feed: FixtureFeed;
let url: string;

beforeEach(async () => {
  machine = await FixtureMachine.create();
  feed = new FixtureFeed();
  url = await feed.start();
  await machine.agent.register({ url, license, trust: feed.trust, repin: false });
});
afterEach(async () => {
  await feed.stop();
  await machine.remove();
});

const fixes = {
  one: fixtureFix('one', ['f']),
  two: fixtureFix('two', ['g']),
  three: fixtureFix('three', ['h']),
} as const;
type Name = keyof typeof fixes;

const publish = async (name: Name): Promise<string> => feed.publish(fixes[name].manifest, fixes[name].module);
const publishLevel = async (level: number, ...names: Name[]): Promise<string> => {
  const { manifest, module } = fixtureLevel(
    level,
    names.map((name) => fixes[name]),
  );
  return feed.publish(manifest, module);
};
const withdraw = (bundleId: string): void => {
  feed.offers = feed.offers.filter((one) => one.bundleId !== bundleId);
};
const upgraded = async (): Promise<readonly string[]> =>
  (await machine.agent.upgrade()).map((one) =>
    one.result === 'refused' ? one.reasons.map(({ code }) => code).join() : one.result,
  );
const reportsOf = (bundleId: string): readonly string[] =>
  feed.reports.filter(({ data }) => data.bundleId === bundleId).map(({ type }) => type);

/** Two singles are applied, then a level that has them and a third. */
async function withLevel(): Promise<{ one: string; two: string; level: string }> {
  const one = await publish('one');
  const two = await publish('two');
  await machine.agent.upgrade();
  const level = await publishLevel(1, 'one', 'two', 'three');
  await machine.agent.upgrade();
  return { one, two, level };
}

describe('a level', () => {
  it('takes the place of the singles that it contains, whose modules go, and the service hears of it', async () => {
    const { one, two, level } = await withLevel();
    expect(await machine.modules()).toEqual(['level_1']);
    expect(await machine.loadedModules()).toEqual(['level_1']);
    expect(reportsOf(level)).toEqual(['UpdateStaged', 'UpdateApplied']);
    for (const id of [one, two]) expect(reportsOf(id)).toEqual(['UpdateStaged', 'UpdateApplied', 'UpdateReplaced']);
    expect(feed.reports).toContainEqual({
      type: 'UpdateReplaced',
      data: expect.objectContaining({ bundleId: one, by: level }),
    });
    expect(await machine.agent.status()).toMatchObject({ state: 'current', applied: [{ bundleId: level, level: 1 }] });
    expect(await upgraded()).toEqual([]);
  });

  it('is applied at once on a machine that has nothing, and the singles in it are not', async () => {
    await publish('one');
    await publishLevel(1, 'one');
    await publish('two');
    expect(await upgraded()).toEqual(['applied', 'applied']);
    expect(await machine.modules()).toEqual(['level_1', 'two']);
  });

  it('never comes in if it lacks a fix that is applied', async () => {
    const two = await publish('two');
    await machine.agent.upgrade();
    const level = await publishLevel(1, 'one', 'three');
    expect(await upgraded()).toEqual([]);
    expect(await machine.modules()).toEqual(['two']);
    expect((await machine.agent.explain(level)).verdict).toMatchObject({
      action: 'ignore',
      reasons: [{ code: 'level-lacks-fix', advice: expect.stringContaining(two) }],
    });
  });

  it('goes by its signed manifest, not by what the service says of it', async () => {
    await publish('two');
    await machine.agent.upgrade();
    const { manifest, module } = fixtureLevel(1, [fixes.one]);
    await feed.publish(manifest, module, ({ offer }) => ({ offer: { ...offer, fixIds: ['one', 'two'] } }));
    expect(await upgraded()).toEqual(['wrong-level']);
    expect(await machine.modules()).toEqual(['two']);
  });

  it('does not bring in again what the operator took out by itself', async () => {
    const one = await publish('one');
    await machine.agent.upgrade();
    await machine.agent.remove([one]);
    await publishLevel(1, 'one', 'two');
    expect(await upgraded()).toEqual([]);
    await machine.agent.unhold(one);
    expect(await upgraded()).toEqual(['applied']);
    expect(await machine.modules()).toEqual(['level_1']);
  });

  it('does not drop a live patch that is somebody else’s', async () => {
    await machine.write({
      'sys/kernel/livepatch/kpatch_1/enabled': '1\n',
      'sys/kernel/livepatch/kpatch_1/transition': '0\n',
    });
    await publishLevel(1, 'one');
    expect(await upgraded()).toEqual(['foreign-livepatch']);
    expect(await machine.modules()).toEqual(['kpatch_1']);
  });

  it('is taken back where the kernel leaves what it should have replaced', async () => {
    await publish('one');
    await machine.agent.upgrade();
    await machine.write({ 'sys/stubborn': '' });
    await publishLevel(1, 'one', 'two');
    expect(await upgraded()).toEqual(['not-replaced']);
    expect(await machine.modules()).toEqual(['one']);
  });
});

it('is not asked for by a machine that was registered for singles', async () => {
  await machine.agent.register({ url, license, trust: feed.trust, repin: false, prefers: 'singles' });
  await publish('one');
  expect(await upgraded()).toEqual(['applied']);
  const asked = feed.requests.filter((line) => line.includes('/updates'));
  expect(asked).toEqual([expect.stringMatching(/\/updates\?prefer=singles$/)]);
});

describe('an older level', () => {
  it('is refused once a later one has been there, over boots too, even when the later one is hidden', async () => {
    const later = await publishLevel(2, 'one', 'two');
    await machine.agent.upgrade();
    withdraw(later);
    const older = await publishLevel(1, 'one', 'two');
    expect(await upgraded()).toEqual([]);
    await machine.boot();
    expect((await machine.agent.resume()).map(({ result }) => result)).toEqual(['applied']);
    expect(await machine.modules()).toEqual(['level_2']);
    // Not for all the world: somebody took the later one out of the kernel.
    await machine.context.loader.reverse('level_2', { transitionTimeoutMs: 100 });
    await machine.agent.hold(later, 'for now');
    expect((await machine.agent.explain(older)).verdict).toMatchObject({ action: 'apply' });
    await machine.agent.unhold(later);
    expect((await machine.agent.explain(older)).verdict).toMatchObject({
      action: 'ignore',
      reasons: [{ code: 'level-rollback' }],
    });
  });

  it('comes back when the later one is removed, without a network', async () => {
    const first = await publishLevel(1, 'one');
    await machine.agent.upgrade();
    const second = await publishLevel(2, 'one', 'two');
    await machine.agent.upgrade();
    expect(await machine.modules()).toEqual(['level_2']);
    withdraw(first);
    await machine.agent.refresh();
    feed.trouble = { suffix: '', status: 503, code: 'away' };
    expect((await machine.agent.remove([second])).map(({ bundleId, result }) => `${result} ${bundleId}`)).toEqual([
      `reversed ${second}`,
      `applied ${first}`,
    ]);
    expect(await machine.modules()).toEqual(['level_1']);
  });
});

describe('taking a level back', () => {
  it('restores what was there before it, and does not bring in the rest of it as singles', async () => {
    const { one, two, level } = await withLevel();
    expect((await machine.agent.remove([level])).map(({ bundleId }) => bundleId)).toEqual([level, one, two]);
    expect(await machine.modules()).toEqual(['one', 'two']);
    const three = await publish('three');
    expect(await upgraded()).toEqual([]);
    expect((await machine.agent.explain(three)).verdict).toMatchObject({
      action: 'hold',
      reasons: [{ code: 'in-held-level' }],
    });
    expect(await machine.agent.apply([three])).toMatchObject([{ result: 'applied' }]);
    expect(await machine.modules()).toEqual(['one', 'three', 'two']);
  });

  it('leaves nothing where nothing was wanted', async () => {
    await withLevel();
    await machine.agent.remove('all');
    expect(await machine.modules()).toEqual([]);
    expect(await upgraded()).toEqual([]);
    await machine.boot();
    expect(await machine.agent.resume()).toEqual([]);
  });

  it('is done when it is recalled, in one go with what was there before it', async () => {
    const { level } = await withLevel();
    feed.recall(level, 'it is worse');
    expect(await upgraded()).toEqual(['reversed', 'applied', 'applied']);
    expect(await machine.modules()).toEqual(['one', 'two']);
    await publishLevel(2, 'one', 'two');
    expect(await upgraded()).toEqual(['applied']);
    expect(await machine.modules()).toEqual(['level_2']);
  });
});

describe('when the machine or the agent goes down', () => {
  it('the level comes back at the boot, before what stands on it', async () => {
    await withLevel();
    const four = fixtureFix('aaaa', ['k']);
    await feed.publish(four.manifest, four.module);
    await machine.agent.upgrade();
    expect(await machine.modules()).toEqual(['aaaa', 'level_1']);
    await machine.boot();
    await machine.agent.resume();
    expect(await machine.modules()).toEqual(['aaaa', 'level_1']);
  });

  it('a level that took the machine down is held, and what was there before it comes back', async () => {
    const one = await publish('one');
    await machine.agent.upgrade();
    const level = await publishLevel(1, 'one', 'two');
    await machine.context.state.journal.tidy(0);
    const { manifest } = fixtureLevel(1, [fixes.one, fixes.two]);
    const { release, buildId, version } = manifest.kernel;
    await machine.context.state.journal.append({
      type: 'Staged',
      bundleId: level,
      summary: {
        module: 'level_1',
        kernel: { release, buildId, version },
        functions: [],
        fixes: manifest.fixes.map(({ fixId, subject, cves }) => ({ fixId, subject, cves })),
        level: 1,
        reversible: true,
        artefact: '0'.repeat(64),
      },
    });
    await machine.context.state.journal.append({ type: 'ApplyBegun', bundleId: level });
    await machine.boot();
    expect(await machine.agent.upgrade()).toMatchObject([{ bundleId: one, result: 'applied' }]);
    expect(await machine.modules()).toEqual(['one']);
    expect(await machine.agent.status()).toMatchObject({ state: 'held', held: [{ bundleId: level }] });
  });

  it('what a level replaced while nobody looked is found replaced, and its module goes', async () => {
    const one = await publish('one');
    await machine.agent.upgrade();
    const level = await publishLevel(1, 'one', 'two');
    await machine.agent.upgrade();
    // As if the agent had been killed before it wrote that down.
    const { journal } = machine.context.state;
    await journal.append({ type: 'Applied', bundleId: one, transitionMs: 1 });
    await machine.write({ 'sys/module/one/initstate': 'live\n' });
    expect(await upgraded()).toEqual([]);
    expect(reportsOf(one).at(-1)).toBe('UpdateReplaced');
    expect(await machine.loadedModules()).toEqual(['level_1']);
    expect(await machine.agent.status()).toMatchObject({ applied: [{ bundleId: level }] });
  });
});
