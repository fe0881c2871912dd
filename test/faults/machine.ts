import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openBundle } from '#libs/bundle';
import {
  channelOf,
  digestOf,
  type Hint,
  leaseResponseSchema,
  type TrustKeys,
  updatesResponseSchema,
} from '#libs/contracts';
import { type HintConnection, connectHints } from '#libs/hints';
import { Random } from '#libs/hostile';
import { verifyBundleSignature } from '#libs/trust';
import { type Answer, jsonOf } from './asking.js';
import { happens, pickWeighted } from './chance.js';
import { type HeldLease, leaseIn, MachineClient } from './machine-client.js';
import { MachineState, type Offer } from './machine-state.js';
import { MetadataClient } from './metadata-client.js';
import type { Violation } from './violation.js';
import { kernels, type KnownLicense, ownDistro, runningOf, type World } from './world.js';

/** The feed let a machine have something, or told it that it may. */
export interface Given {
  readonly machineId: string;
  readonly bundleId: string;
  readonly how: 'bytes' | 'offer';
  readonly lease: HeldLease;
  readonly sentMs: number;
  readonly answeredMs: number;
}

/** What machines are told of besides, and whom they tell. */
export interface MachineWorld {
  readonly world: World;
  readonly feedUrl: string;
  readonly natsHost: string;
  readonly trust: TrustKeys;
  readonly given: (one: Given) => void;
  readonly leased: (machineId: string, lease: HeldLease) => void;
  readonly hinted: () => void;
  readonly violated: (violation: Violation) => void;
}

/** A machine that asks for leases and updates, fetches what it may have and tries what it may not, and reports. */
export class Machine {
  readonly client: MachineClient;
  readonly metadata: MetadataClient;
  readonly state: MachineState;
  lease: HeldLease | undefined;
  private readonly random: Random;
  private readonly kernelId: string;
  private readonly hardware: string;
  private license: KnownLicense | undefined;
  private etag: string | undefined;
  private hints: HintConnection | undefined;
  private hintsTold: ReturnType<typeof leaseResponseSchema.parse>['hints'] | undefined;
  private hasNews = false;

  constructor(
    private readonly around: MachineWorld,
    readonly seed: string,
    hardware: string,
  ) {
    this.random = new Random(seed);
    this.client = new MachineClient(around.feedUrl);
    this.state = new MachineState(this.client.machineId);
    this.metadata = new MetadataClient(around.feedUrl, around.trust, around.violated);
    this.kernelId = this.random.pick([...kernels.keys()]);
    this.hardware = digestOf(hardware);
  }

  get machineId(): string {
    return this.client.machineId;
  }

  async step(): Promise<void> {
    await sleep(30 + this.random.below(this.hasNews ? 30 : 250));
    if (this.lease === undefined || happens(this.random, 15)) return this.enrol();
    if (this.hasNews) return this.list();
    await pickWeighted<() => Promise<unknown>>(this.random, [
      [10, () => this.renew()],
      [45, () => this.list()],
      [25, () => this.probe()],
      [6, async () => this.state.takeBack()],
      [6, () => this.metadata.refresh()],
    ])();
    await this.report();
  }

  /** Until everything that happened here is told. */
  async settle(): Promise<void> {
    while (this.state.untold() !== undefined) await this.report();
  }

  async stop(): Promise<void> {
    await this.hints?.close();
  }

  /** What the feed says that it may have now; undefined where it has no lease. */
  async updates(): Promise<unknown> {
    if (this.lease === undefined) return undefined;
    const { answer } = await this.client.get(`/v1/machines/${this.machineId}/updates`, this.lease);
    return answer === undefined ? 'no answer' : { status: answer.status, body: jsonOf(answer) };
  }

  /** With another licence than before, as often as not one that doesn't cover it. */
  private async enrol(): Promise<void> {
    const kernel = kernels.get(this.kernelId);
    const fitting = this.around.world.licenses.filter(({ distro }) => distro === kernel?.distro);
    const choice = happens(this.random, 850) ? fitting.slice(-12) : this.around.world.licenses;
    if (kernel === undefined || choice.length === 0) return;
    this.license = this.random.pick(choice);
    await this.ask('/v1/machines', { hostname: `machine-${this.seed}` });
    if (this.lease !== undefined) await this.listen();
  }

  private async renew(): Promise<void> {
    await this.ask(`/v1/machines/${this.machineId}/lease`, {});
  }

  private async ask(path: string, more: object): Promise<void> {
    const kernel = kernels.get(this.kernelId);
    if (this.license === undefined || kernel === undefined) return;
    const hardware = kernel.distro === ownDistro ? {} : { hardware: this.hardware };
    const wish = { license: this.license.token, kernel: runningOf(kernel), ...hardware, ...more };
    const { answer } = await this.client.post(path, wish);
    if (this.isAnswer(answer, path) && answer.status < 300) {
      this.lease = leaseIn(answer);
      this.around.leased(this.machineId, this.lease);
      this.hintsTold = leaseResponseSchema.parse(jsonOf(answer)).hints;
    }
  }

  private async listen(): Promise<void> {
    await this.hints?.close();
    const told = this.hintsTold;
    if (told === undefined) return;
    const onHint = (_hint: Hint): void => {
      this.hasNews = true;
      this.around.hinted();
    };
    const { port, token = '', subjects } = told;
    const credentials = { token: () => this.hintsTold?.token ?? token, key: this.client.privateKey };
    const servers = `nats://${this.around.natsHost}:${port}`;
    this.hints = await connectHints({ servers, credentials, subjects, onHint });
  }

  private async list(): Promise<void> {
    const { lease } = this;
    if (lease === undefined) return;
    this.hasNews = false;
    const path = `/v1/machines/${this.machineId}/updates${happens(this.random, 300) ? '?prefer=singles' : ''}`;
    const condition: Record<string, string> = this.etag === undefined ? {} : { 'if-none-match': this.etag };
    const { sentMs, answer } = await this.client.get(path, lease, condition);
    if (!this.isAnswer(answer, path) || answer.status !== 200) return;
    this.etag = answer.headers.get('etag') ?? undefined;
    const { bundles } = updatesResponseSchema.parse(jsonOf(answer));
    for (const offer of bundles) {
      if (offer.recalled !== undefined) this.state.reverse(offer.bundleId);
      else if (!this.state.mayHold(offer.bundleId)) {
        const { bundleId } = offer;
        const { machineId } = this;
        this.around.given({ machineId, bundleId, how: 'offer', lease, sentMs, answeredMs: answer.atMs });
      }
    }
    const fresh = bundles.filter((one) => one.recalled === undefined && !this.state.holds(one.bundleId));
    for (const offer of fresh.slice(0, 3)) await this.fetchAndApply(offer);
  }

  private async fetchAndApply(offer: Offer): Promise<void> {
    const { bundleId, artefact } = offer;
    const bytes = await this.fetch(bundleId, artefact.path, {});
    if (bytes === undefined) return;
    if (createHash('sha256').update(bytes).digest('hex') !== artefact.sha256) {
      this.around.violated({ check: 'bundle', what: `${bundleId} came with other bytes than were offered` });
      return;
    }
    try {
      const { manifestBytes } = await openBundle(bytes);
      await verifyBundleSignature(offer.signature, manifestBytes, this.around.trust);
    } catch (error) {
      this.around.violated({ check: 'bundle', what: `${bundleId} is not genuine: ${String(error)}` });
      return;
    }
    this.state.apply(offer);
  }

  /** Asks for whatever bundle there is, by either of its paths, whole or in part. */
  private async probe(): Promise<void> {
    const { bundles } = this.around.world;
    if (bundles.length === 0) return;
    const { bundleId, kernelId } = this.random.pick(happens(this.random, 500) ? bundles.slice(-10) : bundles);
    const kernel = kernels.get(kernelId);
    const headers: Record<string, string> = happens(this.random, 300) ? { range: 'bytes=10-99' } : {};
    const target = kernel === undefined ? undefined : await this.metadata.targetOf(kernel, bundleId);
    const path =
      kernel !== undefined && target !== undefined && happens(this.random, 300)
        ? `/tuf/targets/${channelOf(kernel)}/${kernel.release}/${target}.${bundleId}.tar.gz`
        : `/v1/bundles/${bundleId}/artefact`;
    await this.fetch(bundleId, path, headers);
  }

  private async fetch(bundleId: string, path: string, headers: Record<string, string>): Promise<Buffer | undefined> {
    const { lease, machineId } = this;
    if (lease === undefined) return undefined;
    const { sentMs, answer } = await this.client.get(path, lease, headers);
    if (!this.isAnswer(answer, path)) return undefined;
    if (answer.status !== 200 && answer.status !== 206) return undefined;
    this.around.given({ machineId, bundleId, how: 'bytes', lease, sentMs, answeredMs: answer.atMs });
    return answer.body;
  }

  /** Tells the oldest thing that isn't known to be told, under the same id until it is. */
  private async report(): Promise<void> {
    const next = this.state.untold();
    if (next === undefined) return;
    const { reportId, facts } = next;
    const path = `/v1/machines/${this.machineId}/reports`;
    const { answer } = await this.client.post(path, { reportId, facts });
    if (this.isAnswer(answer, path)) {
      if (answer.status < 300) next.acknowledged = true;
      else if (answer.status < 500 && answer.status !== 409) {
        this.around.violated({
          check: 'report',
          what: `a report was refused: ${answer.status}`,
          context: jsonOf(answer),
        });
        next.acknowledged = true;
      }
    }
    if (!next.acknowledged) await sleep(100);
  }

  private isAnswer(answer: Answer | undefined, path: string): answer is Answer {
    if (answer?.status === 500) {
      this.around.violated({ check: 'status', what: `500 at ${path}`, context: jsonOf(answer) });
    }
    return answer !== undefined;
  }
}
