import { createHash, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { MemoryBlobStore } from '#libs/blobs';
import { type Listener, listenerToken, type Revocations } from '#libs/broker';
import { type Fact, fact, type KernelIdentity, type LicenseTerms, type Tier } from '#libs/contracts';
import { MemoryEventStore, type RecordedEvent, type StreamName } from '#libs/eventstore';
import { MemoryHintPublisher } from '#libs/hints';
import {
  Clock,
  createStages,
  HintAccess,
  type HintCredentials,
  memoryPlatform,
  Metrics,
  ServiceConfig,
} from '#libs/service';
import type { Lease } from '#libs/trust';
import { MemoryRequests } from '#libs/transport';
import { GitTreeStore } from '#libs/trees';
import { Feed } from '../src/feed.js';
import { FeedModule } from '../src/feed.module.js';
import { Standings } from '../src/standings.js';
import { TestSign } from './sign.fixture.js';

class TestClock extends Clock {
  offsetMs = 0;
  /** Where it stands still. */
  fixed: Date | undefined;

  now(): Date {
    return this.fixed ?? new Date(Date.now() + this.offsetMs);
  }
}

/** An operator's, for what only operators may see. */
const adminToken = 'the-operators-own-token-0';

export const hours = (n: number): number => n * 3_600_000;
export const days = (n: number): number => n * 86_400_000;

export const kernel: KernelIdentity = {
  distro: 'debian',
  arch: 'x86_64',
  release: '6.1.0-54-amd64',
  version: '6.1.190-1',
  buildId: 'ab'.repeat(20),
  vermagic: '6.1.0-54-amd64 SMP',
};
export const running = {
  distro: 'debian',
  arch: 'x86_64',
  release: '6.1.0-54-amd64',
  buildId: 'ab'.repeat(20),
} as const;

/** Real tokens, and no server that would act on what is cut off. */
class TestAccess extends HintAccess {
  readonly host = 'hints.example';
  readonly port = 4222;
  readonly keys = { hints: generateKeyPairSync('ed25519').privateKey };
  /** What was told, each time. */
  readonly told: Revocations[] = [];
  /** As long as it is set, nobody can be cut off. */
  trouble: Error | undefined;

  credentialsFor(listener: Listener): HintCredentials {
    return { token: listenerToken(this.keys, listener) };
  }

  async cutOff(revocations: Revocations): Promise<void> {
    if (this.trouble !== undefined) throw this.trouble;
    this.told.push(revocations);
  }

  async connected(): Promise<number> {
    return 3;
  }
}

/** Keeps what is logged. */
class Lines extends ConsoleLogger {
  constructor(private readonly lines: string[]) {
    super({ json: true });
  }

  protected override printMessages(messages: unknown[], context?: string, level?: LogLevel): void {
    this.lines.push(...messages.map((message) => `${level} ${context} ${inspect(message)}`));
  }
}

/** The feed as it runs: HTTP on a port, stores in memory, real keys and tokens. */
export class FeedUnderTest {
  readonly events = new MemoryEventStore();
  readonly blobs = new MemoryBlobStore();
  readonly hints = new MemoryHintPublisher();
  readonly access = new TestAccess();
  readonly requests = new MemoryRequests();
  readonly clock = new TestClock();
  readonly sign = new TestSign();
  /** The service's log, line by line. */
  readonly said: string[] = [];
  url = '';
  private app: NestFastifyApplication | undefined;
  private commands = 0;

  async start(): Promise<void> {
    await this.requests.respond('sign.keys', 'sign', async () => this.sign.keys);
    await this.requests.respond('sign.lease', 'sign', async (body) => ({
      token: await this.sign.leaseToken({ ...(body as Lease), rev: 1 }, this.clock.now()),
    }));
    await this.startFeed();
  }

  /** Starts the feed's process, or starts it again. */
  async startFeed(): Promise<void> {
    await this.app?.close();
    const { events, blobs, clock } = this;
    const config = ServiceConfig.from({ SPLICECAST_PEPPER: '07'.repeat(32) });
    // A stage without a tree: nothing of the feed asks for one.
    const platform = memoryPlatform({ config, events, blobs, clock, adminToken, trees: new GitTreeStore('/nowhere') });
    const ours = { ...platform, requests: this.requests, hints: this.hints, hintAccess: this.access };
    this.app = await createStages(ours, [{ name: 'feed', module: FeedModule }]);
    this.app.useLogger(new Lines(this.said));
    await this.app.listen(0, '127.0.0.1');
    this.url = await this.app.getUrl();
  }

  get feed(): Feed {
    if (this.app === undefined) throw new Error('the feed is not running');
    return this.app.get(Feed);
  }

  /** What Prometheus would be told. */
  async metricsText(): Promise<string> {
    return (await this.app?.get(Metrics).text()) ?? '';
  }

  /** Answers what other stages ask. */
  get standings(): Standings {
    if (this.app === undefined) throw new Error('the feed is not running');
    return this.app.get(Standings);
  }

  async stop(): Promise<void> {
    await this.app?.close();
    await this.events.close();
  }

  /** Appends facts, whatever stands before. @returns the last of them, as recorded. */
  async record(stream: StreamName, ...facts: Fact[]): Promise<RecordedEvent> {
    const { revision } = await this.events.readStream(stream);
    this.commands += 1;
    const context = { actor: 'test', commandId: `t${this.commands}`, correlationId: `story-of-${stream}` };
    await this.events.appendToStream(stream, revision, facts, context);
    const recorded = (await this.events.readStream(stream)).events.at(-1);
    if (recorded === undefined) throw new Error('nothing was recorded');
    return recorded;
  }

  async factsOf(stream: StreamName): Promise<readonly Fact[]> {
    return (await this.events.readStream(stream)).events.map((event) => event.fact);
  }

  /** Issues a licence that began an hour ago. @returns its token. */
  async license(licenseId: string, changed: Partial<LicenseTerms> = {}): Promise<string> {
    const now = this.clock.now().getTime();
    const terms: LicenseTerms = {
      kind: 'trial',
      distros: ['debian'],
      tier: 'stable',
      seats: 10,
      notBefore: wholeSecond(now - hours(1)),
      expiresAt: wholeSecond(now + days(30)),
      graceSec: 0,
      ...changed,
    };
    const issued = { licenseId, customerId: `customer-of-${licenseId}`, terms, rev: 1 };
    await this.record(`license.${licenseId}`, fact('TrialIssued', issued));
    return this.sign.licenseToken(issued);
  }

  /** A signed bundle, promoted to a tier, and known to the feed. */
  async bundle(
    bundleId: string,
    tier?: Tier,
    on: KernelIdentity = kernel,
    of: { fixIds: string[]; level?: number } = { fixIds: [bundleId] },
  ): Promise<Buffer> {
    const artefact = Buffer.from(`artefact of ${bundleId} `.repeat(50));
    const [a, s] = [await this.blobs.put(artefact), await this.blobs.put(Buffer.from(`signature of ${bundleId}`))];
    const kernelId = `kernel-${on.buildId.slice(0, 8)}`;
    const imported = fact('KernelImported', {
      kernelId,
      kernel: on,
      compiler: 'gcc-12',
      config: a.digest,
      symvers: a.digest,
      kallsyms: a.digest,
      btf: a.digest,
      counts: { symbols: 1, exports: 1, btfTypes: 1 },
      durationMs: 1,
    });
    const assembled = {
      bundleId,
      ...of,
      kernelId,
      manifest: a.digest,
      artefact: a.digest,
      sizeBytes: a.sizeBytes,
    };
    await this.record(`kernel.${kernelId}`, imported);
    const stream: StreamName = `bundle.${bundleId}`;
    await this.record(
      stream,
      fact('BundleAssembled', assembled),
      fact('BundleSigned', { bundleId, signature: s.digest, keyIds: ['bundle'] }),
    );
    if (tier !== undefined) await this.promote(bundleId, tier);
    await this.settled();
    return artefact;
  }

  /** A level, on all tiers. */
  async level(level: number, ...fixIds: string[]): Promise<void> {
    await this.bundle(`level-${level}`, 'stable', kernel, { fixIds, level });
  }

  async promote(bundleId: string, tier: Tier): Promise<void> {
    await this.feed.promoted(await this.record(`bundle.${bundleId}`, fact('BundlePromoted', { bundleId, tier })));
  }

  async recall(bundleId: string, keep?: true): Promise<void> {
    const data = { bundleId, reason: 'it crashes', ...(keep === undefined ? {} : { keep }) };
    await this.feed.recalled(await this.record(`bundle.${bundleId}`, fact('BundleRecalled', data)));
  }

  async revoke(licenseId: string): Promise<void> {
    await this.record(`license.${licenseId}`, fact('LicenseRevoked', { licenseId, reason: 'unpaid' }));
    await this.settled();
  }

  /** Lets every commit take its time, so that decisions that are made at once overlap. */
  slowAppends(ms: number): void {
    const append = this.events.appendToStream.bind(this.events);
    this.events.appendToStream = async (...commit) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return append(...commit);
    };
  }

  /** Waits until the index of the feed has seen the whole log: the log hands out commits in turns of the event loop. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

const wholeSecond = (ms: number): string => new Date(Math.floor(ms / 1000) * 1000).toISOString();

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A problem's status and code. */
export async function problemOf(response: Response): Promise<string> {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const body = (await response.json()) as { status: number; code: string };
  expect(body.status).toBe(response.status);
  return `${body.status} ${body.code}`;
}
