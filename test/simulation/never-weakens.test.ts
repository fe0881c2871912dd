import fc from 'fast-check';
import { MemoryBlobStore } from '#libs/blobs';
import { type EventData, type Fact, fact, type Tier, tierSchema, type UpdatePreference } from '#libs/contracts';
import { MemoryEventStore, type RecordedEvent } from '#libs/eventstore';
import {
  decideLicense,
  decideMachine,
  evolveMachineSeat,
  initialMachineSeat,
  type LicenseCommand,
  licenseFrom,
  type MachineCommand,
  type MachineSeatFact,
  machineSeatFactTypes,
} from '#libs/licensing';
import { Clock, Metrics, Problem } from '#libs/service';
import type { Lease } from '#libs/trust';
import {
  type BundleCommand,
  type BundleFact,
  decideBundle,
  evolveBundle,
  initialBundle,
} from '../../apps/catalog/src/domain/bundle.js';
import { decideLease } from '../../apps/feed/src/domain/lease.js';
import { isMachineFact, machineFrom } from '../../apps/feed/src/domain/machine.js';
import { Offers } from '../../apps/feed/src/offers.js';
import { FeedIndex } from '../../apps/feed/src/projections/feed-index.js';
import type { LiveIndex } from '../../apps/feed/src/projections/live-index.js';
import { Updates } from '../../apps/feed/src/updates.js';

const machineId = 'm1';
const licenseId = 'lic';
const keyThumbprint = 'k'.repeat(43);
const caller = { machineId, keyThumbprint, keyX: 'x', jti: 'j' };
const kernel = { distro: 'debian', arch: 'x86_64', release: '6.1.0-54-amd64', buildId: 'ab'.repeat(20) } as const;
/** Two singles, a third one, and a level of the first two. */
const bundles: Readonly<Record<string, { readonly fixIds: string[]; readonly level?: number }>> = {
  b1: { fixIds: ['f1'] },
  b2: { fixIds: ['f2'] },
  b3: { fixIds: ['f3'] },
  l1: { fixIds: ['f1', 'f2'], level: 1 },
};
const dayMs = 86_400_000;

class SetClock extends Clock {
  ms = Date.parse('2026-01-01T00:00:00.000Z');
  now(): Date {
    return new Date(this.ms);
  }
}

/** A service and one machine: the real deciders over one log, the feed's real index and answers, and time as data. */
class World {
  readonly clock = new SetClock();
  readonly index = new FeedIndex();
  private readonly log: Fact[] = [];
  private readonly blobs = new MemoryBlobStore();
  private readonly updates = new Updates(
    // Who follows the log tells the index; here the test does.
    { current: () => this.index } as unknown as LiveIndex,
    new Offers(this.blobs),
    this.clock,
    new Metrics(new MemoryEventStore()),
  );
  /** The licence's customer as the machine's token names it. */
  private readonly customerId = 'acme';
  private lease: EventData<'LeaseGranted'> | undefined;
  /** What is live in the machine's kernel, whatever anybody thinks. */
  readonly live = new Set<string>();

  static async begin(kind: 'trial' | 'subscription'): Promise<World> {
    const world = new World();
    await world.publish();
    const grant = { licenseId, customerId: 'acme', distro: 'debian', ownDistro: 'splicecast', at: world.at };
    world.license(
      kind === 'trial' ? { type: 'IssueTrial', ...grant } : { type: 'ActivateSubscription', kind, ...grant },
    );
    world.ask(true);
    return world;
  }

  get at(): string {
    return this.clock.now().toISOString();
  }

  get recalled(): readonly string[] {
    const withdrawn = this.log.flatMap((one) => (one.type === 'BundleRecalled' ? [one.data.bundleId] : []));
    const fixes = withdrawn.flatMap((id) => (bundles[id]?.level === undefined ? (bundles[id]?.fixIds ?? []) : []));
    const levels = Object.entries(bundles).flatMap(([id, { level, fixIds }]) =>
      level !== undefined && fixIds.some((fixId) => fixes.includes(fixId)) ? [id] : [],
    );
    return [...withdrawn, ...levels];
  }

  license(command: LicenseCommand): void {
    this.record(decideLicense(command, licenseFrom(this.log)));
  }

  seat(command: MachineCommand): void {
    this.record(decideMachine(command, this.log.filter(isSeat).reduce(evolveMachineSeat, initialMachineSeat())));
  }

  bundle(command: BundleCommand): void {
    const isOurs = (one: Fact): one is BundleFact =>
      /^Bundle(Assembled|Signed|Promoted|Recalled)$/.test(one.type) &&
      (one as BundleFact).data.bundleId === command.bundleId;
    this.record(decideBundle(command, this.log.filter(isOurs).reduce(evolveBundle, initialBundle())));
  }

  /** The machine asks for a lease. */
  ask(registers: boolean): void {
    const state = machineFrom(this.log.filter(isMachineFact));
    const decision = decideLease(
      {
        machineId,
        keyThumbprint,
        hintUser: 'U',
        kernel,
        registers,
        licenseId,
        customerId: this.customerId,
        license: licenseFrom(this.log),
        standing: this.index.standing({ machineId }, licenseId, this.clock.now()),
        at: this.clock.now(),
      },
      state,
    );
    this.record(decision.facts);
    if ('granted' in decision) this.lease = decision.granted;
  }

  async told(prefers: UpdatePreference) {
    return (await this.updates.offer(caller, this.shown, prefers)).bundles;
  }

  /** The machine does what the feed lets it: applies what it is offered and may fetch, and takes back what was recalled. */
  async obey(prefers: UpdatePreference): Promise<void> {
    for (const { bundleId, recalled, level } of await this.told(prefers)) {
      if (recalled !== undefined) this.reverse(bundleId);
      else if (!this.live.has(bundleId) && this.mayFetch(bundleId)) this.apply(bundleId, level !== undefined);
    }
  }

  mayFetch(bundleId: string): boolean {
    const lease = this.shown;
    if (lease === undefined) return false;
    try {
      this.updates.entitledBundle(caller, lease, bundleId);
      return true;
    } catch (error) {
      if (error instanceof Problem) return false;
      throw error;
    }
  }

  reverse(bundleId: string): void {
    if (!this.live.delete(bundleId)) return;
    this.record([fact('UpdateReversed', { machineId, bundleId, transitionMs: 1 })]);
  }

  /** Whether anything lets the machine have something new now, by the licence's own account. */
  get isEntitled(): boolean {
    return ['b1', 'b2', 'b3', 'l1'].some((id) => this.mayFetch(id));
  }

  private apply(bundleId: string, isLevel: boolean): void {
    if (isLevel) {
      for (const other of this.live)
        this.record([fact('UpdateReplaced', { machineId, bundleId: other, by: bundleId })]);
      this.live.clear();
    }
    this.live.add(bundleId);
    this.record([fact('UpdateApplied', { machineId, bundleId, transitionMs: 1 })]);
  }

  private get shown(): Lease | undefined {
    if (this.lease === undefined || Date.parse(this.lease.expiresAt) <= this.clock.ms) return undefined;
    return { ...this.lease, rev: 1, keyThumbprint };
  }

  private async publish(): Promise<void> {
    const bytes = await this.blobs.put(Buffer.from('a signature'));
    const digest = bytes.digest;
    const profile = { compiler: 'gcc-12', config: digest, symvers: digest, kallsyms: digest, btf: digest };
    const identity = { ...kernel, version: '6.1.190-1', vermagic: '6.1.0-54-amd64 SMP' };
    const counts = { symbols: 1, exports: 1, btfTypes: 1 };
    this.record([fact('KernelImported', { kernelId: 'k', kernel: identity, ...profile, counts, durationMs: 1 })]);
    for (const [bundleId, { fixIds, level }] of Object.entries(bundles)) {
      const of = { fixIds, ...(level === undefined ? {} : { level }) };
      const artefact = { manifest: digest, artefact: digest, sizeBytes: bytes.sizeBytes };
      this.record([
        fact('BundleAssembled', { bundleId, kernelId: 'k', ...of, ...artefact }),
        fact('BundleSigned', { bundleId, signature: digest, keyIds: ['bundle'] }),
      ]);
    }
  }

  private record(facts: readonly Fact[]): void {
    for (const one of facts) {
      this.log.push(one);
      const position = this.log.length;
      const envelope = { id: `e${position}`, type: one.type, v: 1, at: this.at, actor: 'test', correlationId: 'c' };
      const event: RecordedEvent = {
        fact: one,
        envelope: { ...envelope, data: one.data },
        position,
        index: 0,
        stream: 'machine.m1',
        revision: position,
      } as RecordedEvent;
      this.index.apply(event);
    }
  }
}

const isSeat = (one: Fact): one is MachineSeatFact => machineSeatFactTypes.some((type) => type === one.type);

type Step = (world: World) => void | Promise<void>;

const tier = fc.constantFrom<Tier>(...tierSchema.options);
const bundleId = fc.constantFrom(...Object.keys(bundles));
const reason = 'because';
const prefers = fc.constantFrom<UpdatePreference>('levels', 'singles');
const at = (world: World) => world.at;

/** Whatever may happen to a licence, a machine and its bundles. What the deciders refuse doesn't happen. */
const step: fc.Arbitrary<readonly [string, Step]> = fc.oneof(
  fc
    .integer({ min: 1, max: 60 })
    .map((days): [string, Step] => [`${days} days pass`, (world) => void (world.clock.ms += days * dayMs)]),
  fc.constant<[string, Step]>(['renew', (world) => world.license({ type: 'RenewLicense', licenseId, at: at(world) })]),
  fc.constant<[string, Step]>([
    'extend',
    (world) => world.license({ type: 'ExtendLicense', licenseId, days: 10, reason }),
  ]),
  tier.map((to): [string, Step] => [
    `amend to ${to}`,
    (world) => world.license({ type: 'AmendLicense', licenseId, tier: to, reason }),
  ]),
  fc
    .constantFrom('acme', 'bmce')
    .map((customerId): [string, Step] => [
      `transfer to ${customerId}`,
      (world) => world.license({ type: 'TransferLicense', licenseId, customerId, reason, at: at(world) }),
    ]),
  fc.constant<[string, Step]>(['revoke', (world) => world.license({ type: 'RevokeLicense', licenseId, reason })]),
  fc.constant<[string, Step]>(['release', (world) => world.seat({ type: 'ReleaseMachine', machineId, reason })]),
  fc.constant<[string, Step]>(['retire', (world) => world.seat({ type: 'RetireMachine', machineId, reason })]),
  fc.boolean().map((registers): [string, Step] => [registers ? 'register' : 'ask on', (world) => world.ask(registers)]),
  fc
    .tuple(bundleId, tier)
    .map(([id, to]): [string, Step] => [
      `promote ${id} to ${to}`,
      (world) => world.bundle({ type: 'PromoteBundle', bundleId: id, tier: to }),
    ]),
  bundleId.map((id): [string, Step] => [
    `recall ${id}`,
    (world) => world.bundle({ type: 'RecallBundle', bundleId: id, reason }),
  ]),
  bundleId.map((id): [string, Step] => [`take ${id} back by hand`, (world) => world.reverse(id)]),
  prefers.map((wanted): [string, Step] => [`update to ${wanted}`, (world) => world.obey(wanted)]),
  prefers.map((wanted): [string, Step] => [`update to ${wanted}`, (world) => world.obey(wanted)]),
);

const refusals = new Set(['LicensingRefusal', 'BundleRefusal']);

async function happen(world: World, [, act]: readonly [string, Step]): Promise<void> {
  try {
    await act(world);
  } catch (error) {
    if (!(error instanceof Error) || !refusals.has(error.name)) throw error;
  }
}

/** What must hold whatever happened before. */
async function check(world: World): Promise<void> {
  for (const wanted of ['levels', 'singles'] as const) {
    const told = await world.told(wanted);
    const { recalled } = world;
    for (const id of world.live) {
      // What is live is on the list, and only its author's recall takes it off the machine.
      const entry = told.find((one) => one.bundleId === id);
      expect([id, entry?.recalled !== undefined]).toEqual([id, recalled.includes(id)]);
      expect(entry).toBeDefined();
    }
    for (const { bundleId: id, recalled: why } of told) {
      expect([id, why !== undefined]).toEqual([id, recalled.includes(id)]);
      // Whoever may have nothing new is told of nothing new.
      if (!world.isEntitled && why === undefined) expect([...world.live]).toContain(id);
    }
  }
}

it('a licence that ends, however it ends, never weakens a machine: what is live stays, and recalls still come', async () => {
  let unentitledWithLive = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('trial' as const, 'subscription' as const),
      fc.array(step, { minLength: 5, maxLength: 40 }),
      async (kind, steps) => {
        const world = await World.begin(kind);
        for (const id of ['b1', 'b2']) world.bundle({ type: 'PromoteBundle', bundleId: id, tier: 'stable' });
        await world.obey('singles');
        for (const one of steps) {
          await happen(world, one);
          await check(world);
          if (!world.isEntitled && world.live.size > 0) unentitledWithLive += 1;
        }
      },
    ),
    { numRuns: 150 },
  );
  // The property is of machines that have something to lose.
  expect(unentitledWithLive).toBeGreaterThan(100);
}, 120_000);

it('nothing but a recall changes what is live', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const world = await World.begin('subscription');
      for (const id of ['b1', 'b2', 'b3']) world.bundle({ type: 'PromoteBundle', bundleId: id, tier: 'stable' });
      await world.obey('singles');
      const fixes = () => new Set([...world.live].flatMap((id) => bundles[id]?.fixIds ?? []));
      for (const one of steps.filter(([name]) => !/^(recall|take)/.test(name))) {
        const before = fixes();
        await happen(world, one);
        const after = fixes();
        expect([one[0], [...before].filter((fixId) => !after.has(fixId))]).toEqual([one[0], []]);
      }
    }),
    { numRuns: 100 },
  );
}, 120_000);
