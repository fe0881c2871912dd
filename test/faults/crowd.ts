import { FolderBlobStore } from '#libs/blobs';
import { trustKeysSchema, type TrustKeys } from '#libs/contracts';
import { connectEventStore, type EventStore } from '#libs/eventstore';
import { Random } from '#libs/hostile';
import { join } from 'node:path';
import { BuildStandIn } from './build-stand-in.js';
import { DropSender } from './drop-sender.js';
import type { Fleet } from './fleet.js';
import { Load } from './load.js';
import { type Given, Machine, type MachineWorld } from './machine.js';
import type { HeldLease } from './machine-client.js';
import type { Reported } from './machine-state.js';
import { Operator, type Told } from './operator.js';
import type { Violation } from './violation.js';
import { World } from './world.js';

export interface CrowdSize {
  readonly operators: number;
  readonly machines: number;
}

/** One of so many is installed anew now and then, with another key on the same hardware. */
const reinstallEvery = 150;

/** Everybody who uses the service while it is being killed, and the record of what they were told. */
export class Crowd {
  readonly wishes: Told[] = [];
  readonly given: Given[] = [];
  readonly leases: { machineId: string; lease: HeldLease }[] = [];
  readonly violations: Violation[] = [];
  readonly machines: Machine[] = [];
  /** Where ingest and diff run. */
  drops: DropSender | undefined;
  hints = 0;
  private readonly retired: Machine[] = [];
  private readonly load = new Load((error) => {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.violations.push({ check: 'driver', what });
  });
  private readonly operators: Operator[] = [];

  private constructor(
    private readonly fleet: Fleet,
    private readonly seed: string,
    readonly trust: TrustKeys,
    readonly events: EventStore,
    readonly blobs: FolderBlobStore,
    private readonly builder: BuildStandIn,
    private readonly world: World,
  ) {}

  static async gather(fleet: Fleet, seed: string, size: CrowdSize): Promise<Crowd> {
    const events = await connectEventStore({ ...fleet.broker.service, name: 'driver' });
    const blobs = new FolderBlobStore(join(fleet.dataDir, 'blobs'));
    const world = new World();
    const builder = new BuildStandIn(events, blobs, world, seed);
    await builder.start();
    // The first bundle has the metadata begun, and with it the root that machines pin.
    await builder.step();
    const crowd = new Crowd(fleet, seed, await rootedTrust(fleet), events, blobs, builder, world);
    crowd.begin(size);
    return crowd;
  }

  get reports(): readonly Reported[] {
    return [...this.retired, ...this.machines].flatMap((one) => one.state.reports);
  }

  /** Everybody finishes what they are about, and machines tell all that happened to them. */
  async pause(): Promise<void> {
    await this.load.pause();
    await Promise.all([...this.retired, ...this.machines].map((one) => one.settle()));
  }

  resume(): void {
    this.load.resume();
  }

  /** Tells a few wishes of before once more: much has happened since. @param carriedOut keys of those that wrote something */
  async repeatSome(random: Random, most: number, carriedOut: ReadonlySet<string>): Promise<void> {
    const done = this.wishes.filter(({ outcome, wish }) => outcome === 'acknowledged' && carriedOut.has(wish.key));
    const [operator] = this.operators;
    for (let n = 0; n < Math.min(most, done.length); n += 1) await operator?.repeat(random.pick(done));
  }

  async leave(): Promise<void> {
    await this.load.end();
    await this.builder.stop();
    await Promise.all([...this.retired, ...this.machines].map((one) => one.stop()));
    await this.events.close();
  }

  private begin({ operators, machines }: CrowdSize): void {
    const { fleet, seed, world } = this;
    const violated = (one: Violation): void => void this.violations.push(one);
    for (let n = 0; n < operators; n += 1) {
      const told = (one: Told): void => void this.wishes.push(one);
      const operator = new Operator(fleet.url('catalog'), fleet.adminToken, world, `${seed}-o${n}`, told, violated);
      this.operators.push(operator);
      this.load.add(() => operator.step());
    }
    this.load.add(() => this.builder.step());
    if (fleet.runs('ingest')) {
      const drops = new DropSender(fleet.url('ingest'), fleet.adminToken, join(fleet.dataDir, '..', 'drops'), seed);
      this.drops = drops;
      this.load.add(() => drops.next());
    }
    const around: MachineWorld = {
      world,
      feedUrl: fleet.url('feed'),
      natsHost: '127.0.0.1',
      trust: this.trust,
      given: (one) => void this.given.push(one),
      leased: (machineId, lease) => void this.leases.push({ machineId, lease }),
      hinted: () => (this.hints += 1),
      violated,
    };
    for (let n = 0; n < machines; n += 1) this.install(around, n, 0);
  }

  /** Two machines in three have hardware of their own; the others are copies of each other. */
  private install(around: MachineWorld, number: number, generation: number): void {
    const name = `${this.seed}-m${number}.${generation}`;
    const machine = new Machine(around, name, `hardware ${number % 3 === 0 ? 0 : number}`);
    this.machines.push(machine);
    around.world.machineIds.push(machine.machineId);
    const random = new Random(name, 'life');
    const life = reinstallEvery + random.below(reinstallEvery * 3);
    let steps = 0;
    this.load.add(
      async () => {
        await machine.step();
        steps += 1;
        if (steps < life) return;
        this.machines.splice(this.machines.indexOf(machine), 1);
        this.retired.push(machine);
        await machine.stop();
        this.install(around, number, generation + 1);
      },
      () => steps >= life,
    );
  }
}

/** The public keys with the first root, once there is one. */
async function rootedTrust(fleet: Fleet): Promise<TrustKeys> {
  for (;;) {
    const response = await fetch(`${fleet.url('sign')}/v1/trust/keys`);
    const keys = trustKeysSchema.parse(await response.json());
    if (keys.root !== undefined) return keys;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
