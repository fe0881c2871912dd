import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HotPatch } from '#libs/hotpatch';
import { guestNetwork, prepareShare } from '#libs/guest';
import { type AttackCase, type AttackedWorld, type Fix, hourMs } from '../../apps/agent/src/fixture/attack.fixture.js';
import { FixtureFeed, license } from '../../apps/agent/src/fixture/feed.fixture.js';
import { channel, type FixtureMetadata } from '../../apps/agent/src/fixture/metadata.fixture.js';
import { AgentVerbs } from './agent-verbs.js';
import { LiveKernel } from './live-kernel.js';
import type { VendorKernel } from './vendor-kernel.js';

const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const lifetimeMs = 60 * 60_000;
/** A verb of the agent's waits for slow data half a minute, and everything is slow under emulation. */
const verbMs = 12 * 60_000;
const state = '/share/var/lib/splicecast';

/** The live patches that are published: "one", which the machine runs, and "two", which is new. */
export interface RealPatches {
  readonly one: HotPatch;
  readonly two: HotPatch;
}

/**
 * What attackers have before them where the machine is real: a stock kernel with the agent in it, which has pinned a root and runs
 * "one", and its service on the host. Whatever bundle an attacker brings in has the module of "two" in it.
 */
export class AttackedGuest implements AttackedWorld {
  readonly feed = new FixtureFeed();
  readonly bundles = new Map<string, string>();
  readonly release: string;
  metadata!: FixtureMetadata;
  live!: LiveKernel;
  private verbs!: AgentVerbs;
  private aheadMs = 0;
  /** What the service was when the machine was last there and all was well. */
  private before!: { metadata: FixtureMetadata; offers: FixtureFeed['offers']; granted: FixtureFeed['granted'] };

  /** By itself, too: attackers take it out of the world that they are shown. */
  readonly fix = (name: string): Fix => {
    const { module, functions } = name === 'one' || name === 'other' ? this.patches.one : this.patches.two;
    const { version, profile } = this.vendor;
    const { release, buildId, vermagic } = profile;
    return {
      manifest: {
        schema: 1,
        kernel: { distro: 'debian', arch: 'x86_64', release, version, buildId, vermagic },
        fixes: [{ fixId: name, subject: `${name}: fix it`, cves: [], paths: ['a.c'] }],
        functions: [...functions],
        loader: { format: 'klp-module', minVersion: 1 },
        module: module.name,
        replace: false,
        reversible: true,
      },
      module: module.bytes,
    };
  };

  private constructor(
    private readonly vendor: VendorKernel,
    private readonly patches: RealPatches,
  ) {
    this.release = `${channel}/${vendor.profile.release}`;
    this.feed.now = () => this.now();
  }

  /** Boots the machine, and gets it to where the attacks begin. */
  static async boot(kernel: VendorKernel, patches: RealPatches, share: string): Promise<AttackedGuest> {
    const world = new AttackedGuest(kernel, patches);
    const { feed } = world;
    world.metadata = await feed.signMetadata(world.now());
    await mkdir(share, { mode: 0o700 });
    await prepareShare({ dir: share, programs: { project, mains: { splicecast: 'apps/agent/src/main.js' } } });
    await AgentVerbs.prepare(share);
    await writeFile(join(share, 'etc/license.jwt'), license);
    await writeFile(join(share, 'etc/trust.json'), JSON.stringify(feed.trust));
    const { port } = new URL(await feed.start());
    world.live = await LiveKernel.boot({ ...kernel.guest, share, timeoutMs: lifetimeMs });
    await world.tellTime();
    world.verbs = await AgentVerbs.start(world.live);
    const url = `http://${guestNetwork.host}:${port}`;
    await world.agent(`register --url ${url} --license /etc/license.jwt --trust /etc/trust.json`);
    await world.publish('one');
    await world.agent('upgrade');
    await world.live.sees(`cp -a ${state} /tmp/before`);
    world.before = { metadata: world.metadata, offers: feed.offers, granted: feed.granted };
    return world;
  }

  async end(): Promise<void> {
    this.live.shell.kill();
    await this.feed.stop();
  }

  async publish(name: string): Promise<void> {
    const { manifest, module } = this.fix(name);
    this.bundles.set(name, await this.feed.publish(manifest, module));
  }

  /** Machine and service are as they were before all attacks, but it is later. */
  async restore(laterMs = hourMs): Promise<void> {
    const { metadata, offers, granted } = this.before;
    this.feed.dropConnections();
    this.metadata = await metadata.copy();
    Object.assign(this.feed, { metadata: this.metadata, offers, granted, attack: undefined });
    await this.live.sees(`rm -rf ${state}/* ${state}/.[!.]*; cp -a /tmp/before/. ${state}/`);
    this.aheadMs = laterMs;
    await this.tellTime();
  }

  /** From here on the service is the attacker's. "two" is published, and offered unless it is another bundle that he brings in. */
  async begin({ begin }: Pick<AttackCase, 'begin'>): Promise<void> {
    const { feed } = this;
    const old = this.metadata.remember();
    await this.publish('two');
    const { offers } = feed;
    feed.attack = await begin(this, old);
    const isGenuine = ({ bundleId }: (typeof offers)[number]): boolean =>
      offers.some((one) => one.bundleId === bundleId);
    if (!feed.offers.every(isGenuine))
      feed.offers = feed.offers.filter(({ bundleId }) => bundleId !== this.bundles.get('two'));
  }

  /** What the agent says on its next check-in, and what it leaves for monitoring. */
  async upgrade(): Promise<string> {
    const said = await this.verbs.run('upgrade --json', verbMs);
    return said + (await this.live.sees(`cat ${state}/status.json`));
  }

  /** A verb of the agent's that must go well. */
  async agent(verb: string): Promise<string> {
    return await this.verbs.must(verb, verbMs);
  }

  /** What the kernel is: the live patches that it has, how many it ever began to take, and what programs see of them. */
  async kernel(): Promise<{ patches: readonly string[]; taken: number; sees: string[] }> {
    const taken = await this.live.sees("dmesg | grep -c 'livepatch: enabling patch'");
    const seen = await this.live.sees('cat /proc/uptime /proc/loadavg');
    return {
      patches: await this.live.patches(),
      taken: Number(taken.trim()),
      sees: seen
        .split('\n')
        .filter((line) => /^[a-z]/.test(line))
        .map((line) => line.trim()),
    };
  }

  private now(): Date {
    return new Date(Date.now() + this.aheadMs);
  }

  /** It is as late in the machine as it is for its service. */
  private async tellTime(): Promise<void> {
    const now = this.now();
    this.metadata.at = now;
    await this.live.sees(`date -s @${Math.ceil(now.getTime() / 1000)}`);
  }
}
