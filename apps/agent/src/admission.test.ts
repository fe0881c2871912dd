import type { Manifest } from '#libs/bundle';
import { digestOf } from '#libs/contracts';
import type { Offer } from './domain/plan.js';
import { FixtureFeed, license } from './fixture/feed.fixture.js';
import { FixtureMachine, fixtureFix, fixtureModule, vermagic } from './fixture/machine.fixture.js';

let machine: FixtureMachine;
let feed: FixtureFeed;

beforeEach(async () => {
  machine = await FixtureMachine.create();
  feed = new FixtureFeed();
  const url = await feed.start();
  await machine.agent.register({ url, license, trust: feed.trust, repin: false });
});
afterEach(async () => {
  await feed.stop();
  await machine.remove();
});

const { manifest, module } = fixtureFix('one', ['f']);
const kernel = (change: Partial<Manifest['kernel']>) => ({ ...manifest, kernel: { ...manifest.kernel, ...change } });
const modinfo = (change: Record<string, string>) =>
  fixtureModule({ name: 'one', livepatch: 'Y', vermagic, replaces: 'vmlinux/f,1', ...change });

/** Publishes, lets the agent try, and gives every place where the refusal shows, and how often the kernel was asked. */
async function attempt(...published: Parameters<FixtureFeed['publish']>): Promise<object> {
  const bundleId = await feed.publish(...published);
  const outcomes = await machine.agent.upgrade();
  const codes = outcomes.flatMap((one) =>
    one.result === 'refused' ? one.reasons.map(({ code }) => code) : one.result,
  );
  const reported = feed.reports.map(({ type, data }) => ({ type, ours: data.bundleId === bundleId }));
  return { codes, reported, insmods: await machine.insmods() };
}

const refusal = (code: string) => ({ codes: [code], reported: [{ type: 'UpdateFailed', ours: true }], insmods: 0 });

describe('nothing gets near the kernel that', () => {
  it.each([
    ['wrong-distro', kernel({ distro: 'fedora' })],
    ['wrong-release', kernel({ release: '6.1.0-2-amd64' })],
    ['wrong-build-id', kernel({ buildId: 'cd'.repeat(20) })],
    ['wrong-vermagic', kernel({ vermagic: '6.1.0-1-amd64 SMP mod_unload ' })],
  ])('was made for something else: %s', async (code, changed) => {
    expect(await attempt(changed, module)).toEqual(refusal(code));
  });

  it.each([
    ['malformed-module', Buffer.from('no ELF')],
    ['malformed-module', module.subarray(0, 80)],
    ['no-livepatch-module', modinfo({ livepatch: 'N' })],
    ['wrong-module', modinfo({ name: 'two' })],
    ['wrong-vermagic', modinfo({ vermagic: '6.1.0-2-amd64 SMP preempt mod_unload modversions ' })],
  ])('is another module than its manifest says: %s', async (code, bytes) => {
    expect(await attempt(manifest, bytes)).toEqual(refusal(code));
  });

  const level = { ...manifest, replace: true, level: 3 };
  it.each([
    ['a level that was announced as a single fix', level, { level: undefined }],
    ['another level than was announced', level, { level: 4 }],
    ['a single fix that was announced as a level', manifest, { level: 3 }],
    ['a level of other fixes than were announced', level, { fixIds: ['other'] }],
  ])('is %s', async (_what, published, told) => {
    const lie = ({ offer }: { offer: Offer }) => ({ offer: { ...offer, ...told } });
    expect(await attempt(published, module, lie)).toEqual(refusal('wrong-level'));
  });

  it.each([
    ['a function that the kernel has not', 'f'.repeat(3), 0],
    ['the second of a name that is there once', 'f', 2],
  ])('replaces %s', async (_what, symbol, sympos) => {
    const functions = manifest.functions.map((one) => ({ ...one, symbol, sympos }));
    expect(await attempt({ ...manifest, functions }, module)).toEqual(refusal('klp-symbol-missing'));
  });

  it('replaces one of several functions of a name, without saying which', async () => {
    await machine.write({ 'proc/kallsyms': 'ffffffff81000000 t f\nffffffff81000010 t f\n' });
    expect(await attempt(manifest, module)).toEqual(refusal('klp-symbol-missing'));
  });

  it('is new when the lease is over', async () => {
    const bundleId = await feed.publish(manifest, module);
    machine.at = new Date(Date.now() + 25 * 60 * 60_000);
    feed.now = () => machine.at;
    feed.trouble = { suffix: '/lease', status: 403, code: 'lease-refused' };
    await expect(machine.agent.upgrade()).rejects.toMatchObject({ code: 'license-refused' });
    expect((await machine.agent.explain(bundleId)).state?.reasons).toMatchObject([{ code: 'lease-ended' }]);
    expect(await machine.insmods()).toBe(0);
    feed.trouble = undefined;
    expect(await machine.agent.upgrade()).toMatchObject([{ bundleId, result: 'applied' }]);
  });

  it('has other bytes than were announced', async () => {
    expect(
      await attempt(manifest, module, ({ artefact }) => {
        const spoilt = Buffer.from(artefact);
        spoilt[100] = (spoilt[100] ?? 0) ^ 1;
        return { artefact: spoilt };
      }),
    ).toEqual(refusal('wrong-digest'));
  });

  it('is not a bundle at all', async () => {
    const artefact = Buffer.alloc(1000);
    expect(
      await attempt(manifest, module, ({ offer }) => ({
        artefact,
        offer: { ...offer, artefact: { ...offer.artefact, sha256: digestOf(artefact), length: artefact.length } },
      })),
    ).toEqual(refusal('malformed-archive'));
  });

  it('is signed by nobody whom this machine trusts', async () => {
    const stranger = new FixtureFeed();
    await stranger.publish(manifest, module);
    const signature = stranger.offers[0]?.signature ?? '';
    expect(await attempt(manifest, module, ({ offer }) => ({ offer: { ...offer, signature } }))).toEqual(
      refusal('bad-signature'),
    );
    expect(await machine.agent.status()).toMatchObject({ state: 'trust', reasons: [{ code: 'bad-signature' }] });
  });

  it('is genuine, but another bundle than it is said to be', async () => {
    expect(
      await attempt(manifest, module, ({ offer }) => ({
        offer: { ...offer, bundleId: 'b'.repeat(20) },
      })),
    ).toEqual(refusal('wrong-bundle'));
  });
});

const plain = async (): Promise<string> => feed.publish(manifest, module, undefined, { isPlain: true });

describe('a bundle from before there were attestations', () => {
  it('comes in where the pinned keys don’t ask for them, and stays when they do', async () => {
    const { attestations: _required, ...before } = feed.trust;
    const { url } = (await machine.context.state.registration.read())!;
    await machine.agent.register({ url, license, trust: before, repin: true });
    const bundleId = await plain();
    expect(await machine.agent.upgrade()).toMatchObject([{ bundleId, result: 'applied' }]);
    await machine.agent.register({ url, license, trust: feed.trust, repin: true });
    await machine.boot();
    expect(await machine.agent.resume()).toMatchObject([{ bundleId, result: 'applied' }]);
  });

  it('is not new where they are asked for', async () => {
    await plain();
    expect(await machine.agent.upgrade()).toMatchObject([{ reasons: [{ code: 'attestation-missing' }] }]);
    expect(await machine.agent.status()).toMatchObject({ state: 'trust' });
    expect(await machine.insmods()).toBe(0);
  });
});

describe('a refusal', () => {
  it('is tried again only when it may pass, or when somebody asks for it', async () => {
    await machine.write({ 'sys/fail': "insmod: can't insert: invalid module format" });
    const bundleId = await feed.publish(manifest, module);
    await machine.agent.upgrade();
    machine.at = new Date(Date.now() + 4 * 60_000);
    expect(await machine.agent.upgrade()).toEqual([]);
    expect(await machine.agent.status()).toMatchObject({ state: 'held', held: [{ bundleId }] });
    await machine.write({ 'sys/fail': "insmod: can't insert: Device or resource busy" });
    expect(await machine.agent.apply([bundleId])).toMatchObject([{ result: 'refused', reasons: [{ code: 'busy' }] }]);
    expect(await machine.agent.upgrade()).toEqual([]);
    expect(await machine.insmods()).toBe(2);
  });

  it('of the kernel is told with its own words', async () => {
    await machine.write({ 'sys/fail': 'insmod: can not insert: Operation not permitted' });
    const bundleId = await feed.publish(manifest, module);
    const [outcome] = await machine.agent.upgrade();
    expect(outcome).toMatchObject({
      bundleId,
      reasons: [{ code: 'not-permitted', reason: expect.stringContaining('not permitted') }],
    });
  });

  it('comes before everything where the kernel has no live patching', async () => {
    await feed.publish(manifest, module);
    await machine.write({ 'sys/module/module/parameters/sig_enforce': 'Y' });
    await expect(machine.agent.upgrade()).rejects.toMatchObject({ code: 'unsupported-kernel' });
    expect(await machine.agent.status()).toMatchObject({ state: 'unsupported-kernel' });
    expect(feed.reports).toEqual([]);
  });
});
