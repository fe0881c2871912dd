import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from './errors.js';
import { hourMs } from './fixture/attack.fixture.js';
import { attestationAttacks } from './fixture/attestation-attacks.fixture.js';
import { mirrorAttacks } from './fixture/mirror-attacks.fixture.js';
import { fixtureFix, fixtureLevel } from './fixture/machine.fixture.js';
import { serving } from './fixture/metadata.fixture.js';
import { stolenKeyAttacks } from './fixture/stolen-key-attacks.fixture.js';
import { FixtureWorld } from './fixture/world.fixture.js';
import { verifyCache } from './verification.js';

let world: FixtureWorld;
beforeEach(async () => {
  world = await FixtureWorld.begin();
});
afterEach(() => world.end());

describe('an attacker in the place of the service', () => {
  it.each([...mirrorAttacks, ...stolenKeyAttacks, ...attestationAttacks])(
    '$attack: $code',
    async ({ code, afterMs = hourMs, endsWith, begin }) => {
      const { machine, feed, metadata } = world;
      expect(await machine.modules()).toEqual(['one']);
      const old = metadata.remember();
      world.later(afterMs);
      await world.publish('two', 'g');
      const { offers } = feed;
      feed.attack = await begin(world, old);
      // "two" itself is let through where it is another bundle that the attacker tries to bring in.
      const besides = feed.offers.some(({ bundleId }) => offers.every((one) => one.bundleId !== bundleId));
      const codes = await world.upgrade();
      expect(codes).toContain(code);
      expect(await machine.modules()).toEqual(besides ? ['one', 'two'] : ['one']);

      // The attacker leaves. What he made the machine remember ends with the next timestamp, or with new keys if he had those that count.
      feed.attack = undefined;
      feed.offers = offers;
      world.later(hourMs);
      if (endsWith === 'new keys') await metadata.changeOnlineKeys();
      await metadata.renew();
      expect(await world.upgrade()).toEqual([]);
      expect(await machine.modules()).toEqual(['one', 'two']);
      expect(await machine.insmods()).toBe(2);
    },
  );

  it('fast-forward: versions that were pushed up are forgotten with the keys', async () => {
    const { machine, metadata, feed } = world;
    const stolen = await metadata.forge('timestamp', metadata.keys.online.timestamp, (it) => {
      it.version = 1_000_000;
    });
    feed.attack = serving(['timestamp.json', stolen]);
    expect(await world.upgrade()).toEqual([]);
    feed.attack = undefined;
    await world.publish('two', 'g');
    expect(await world.upgrade()).toContain('rollback');
    expect(await machine.modules()).toEqual(['one']);
    await metadata.changeOnlineKeys();
    expect(await world.upgrade()).toEqual([]);
    expect(await machine.modules()).toEqual(['one', 'two']);
  });

  it('level-rollback: an older level, genuine and vouched for, in the place of the one that runs', async () => {
    const { machine, feed } = world;
    const publishLevel = async (level: number, ...names: string[]): Promise<string> => {
      const fixes = names.map((name) => fixtureFix(name, [name === 'one' ? 'f' : 'g']));
      const { manifest, module } = fixtureLevel(level, fixes);
      return feed.publish(manifest, module);
    };
    const older = await publishLevel(1, 'one');
    const { offers } = feed;
    const newer = await publishLevel(2, 'one', 'two');
    expect(await world.upgrade()).toEqual([]);
    expect(await machine.modules()).toEqual(['level_2']);
    // The attacker hides the newer level, and somebody took it out of the kernel.
    feed.offers = offers;
    await machine.agent.refresh();
    await machine.context.loader.reverse('level_2', { transitionTimeoutMs: 100 });
    expect((await machine.agent.explain(older)).verdict).toMatchObject({
      action: 'ignore',
      reasons: [{ code: 'level-rollback' }],
    });
    await machine.agent.upgrade();
    expect(await machine.modules()).not.toContain('level_1');
    expect((await machine.agent.explain(newer)).state?.summary?.level).toBe(2);
  });

  it('doesn’t get a root of his own pinned', async () => {
    const other = await FixtureWorld.begin();
    try {
      const { url, license } = (await world.machine.context.state.registration.read())!;
      const request = { url, license, trust: { ...world.feed.trust, root: other.metadata.pin }, repin: false };
      await expect(world.machine.agent.register(request)).rejects.toMatchObject({ code: 'trust-changed' });
      await expect(world.machine.agent.register({ ...request, repin: true })).rejects.toMatchObject({
        code: 'wrong-root',
      });
      expect(await world.upgrade()).toEqual([]);
    } finally {
      await other.end();
    }
  });
});

describe('what a machine has', () => {
  it('stays when the metadata has expired, and comes back after a boot; what is new waits until it is fresh', async () => {
    const { machine, feed } = world;
    await world.publish('two', 'g');
    await machine.agent.refresh();
    feed.attack = (_path, response) => (response.destroy(), true);
    world.later(48 * hourMs);
    await machine.boot();
    await machine.agent.resume();
    expect(await machine.modules()).toEqual(['one']);
    expect(await world.upgrade()).toEqual(expect.arrayContaining(['service-unavailable', 'freeze']));
    expect(await verifyCache(machine.context)).toEqual([
      { bundleId: world.bundles.get('one'), applied: true, ok: true, reasons: [] },
    ]);
    feed.attack = undefined;
    await world.metadata.renew();
    expect(await world.upgrade()).toEqual([]);
    expect(await machine.modules()).toEqual(['one', 'two']);
  });

  it('isn’t taken from it by a mirror that serves half of a newer state', async () => {
    const { machine, feed } = world;
    await world.publish('two', 'g');
    feed.attack = (path, response) => path.includes('debian-x86_64%2F') && (response.writeHead(404).end(), true);
    expect(await world.upgrade()).toContain('withheld');
    await machine.boot();
    await machine.agent.resume();
    expect(await machine.modules()).toEqual(['one']);
  });

  it('is reversed once a recall is signed, though the service hides it, and never comes again, also offline', async () => {
    const { machine, feed, metadata } = world;
    const one = world.bundles.get('one')!;
    await metadata.recall(one, 'it was worse than the bug');
    const { offers } = feed;
    feed.offers = [];
    expect(await machine.agent.upgrade()).toMatchObject([{ bundleId: one, result: 'reversed' }]);
    await world.upgrade();
    expect(await machine.modules()).toEqual([]);
    feed.offers = offers;
    expect(await machine.agent.upgrade()).toEqual([]);
    feed.attack = (_path, response) => (response.destroy(), true);
    await machine.boot();
    expect(await machine.agent.resume()).toEqual([]);
    await expect(machine.agent.apply([one])).rejects.toBeInstanceOf(AgentError);
    expect(await machine.modules()).toEqual([]);
  });

  it('is kept where its recall says so, until the next boot, and taken back once a recall says that', async () => {
    const { machine, metadata } = world;
    const one = world.bundles.get('one')!;
    await metadata.recall(one, 'another one is better', true);
    expect(await world.upgrade()).toEqual([]);
    expect(await machine.modules()).toEqual(['one']);
    expect((await machine.agent.status()).applied).toMatchObject([{ bundleId: one, reasons: [{ code: 'recalled' }] }]);
    expect(await verifyCache(machine.context)).toMatchObject([{ bundleId: one, ok: true }]);
    await metadata.recall(one, 'it is bad');
    expect(await machine.agent.upgrade()).toMatchObject([{ bundleId: one, result: 'reversed' }]);
    await machine.boot();
    expect(await machine.agent.resume()).toEqual([]);
    expect(await machine.modules()).toEqual([]);
  });

  it('is reversed by a recall though its licence has ended', async () => {
    const { machine, feed, metadata } = world;
    world.later(25 * hourMs);
    await metadata.renew();
    feed.trouble = { suffix: '/lease', status: 403, code: 'lease-refused' };
    await metadata.recall(world.bundles.get('one')!, 'it is bad');
    expect(await world.upgrade()).toContain('license-refused');
    expect(await machine.modules()).toEqual([]);
  });

  it('is verified from the pinned root again, with no network and no trust in the disk', async () => {
    const { machine, metadata, feed } = world;
    await metadata.changeOnlineKeys();
    expect(await world.upgrade()).toEqual([]);
    feed.attack = (_path, response) => (response.destroy(), true);
    expect(await verifyCache(machine.context)).toMatchObject([{ ok: true }]);
    const file = join(machine.root, 'state/metadata', metadata.pin.sha256, 'vouched-state');
    const kept = JSON.parse(await readFile(file, 'utf8'));
    const spoil = async (change: (state: typeof kept) => void): Promise<void> => {
      const copy = structuredClone(kept);
      change(copy);
      await writeFile(file, JSON.stringify(copy));
    };
    await spoil((it) => void (it.roots[0] = it.roots[1]));
    expect(await verifyCache(machine.context)).toMatchObject([{ ok: false, reasons: [{ code: 'wrong-root' }] }]);
    await spoil((it) => void it.roots.pop());
    expect(await verifyCache(machine.context)).toMatchObject([
      { ok: false, reasons: [{ code: 'metadata-threshold-not-met' }] },
    ]);
    await spoil((it) => void (it.recalls = Buffer.from('{"schema":1, "recalls":[]}').toString('base64')));
    expect(await verifyCache(machine.context)).toMatchObject([{ ok: false, reasons: [{ code: 'wrong-target' }] }]);
    const bundle = join(machine.root, 'state/bundles', `${world.bundles.get('one')}.tar.gz`);
    await writeFile(bundle, Buffer.alloc(100));
    expect(await verifyCache(machine.context)).toMatchObject([{ ok: false, reasons: [{ code: 'wrong-target' }] }]);
  });
});
