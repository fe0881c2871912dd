import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Global, Module } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { CompactSign } from 'jose';
import { BlobStore, MemoryBlobStore } from '#libs/blobs';
import {
  type EventData,
  type Fact,
  fact,
  type KernelIdentity,
  type LicenseTerms,
  type PublicJwk,
  publicJwkSchema,
  type Tier,
  tokenTypes,
  type TrustKeys,
} from '#libs/contracts';
import { EventStore, MemoryEventStore, type RecordedEvent, type StreamName } from '#libs/eventstore';
import { HintPublisher, MemoryHintPublisher } from '#libs/hints';
import { Clock, HintAccess, ProblemFilter } from '#libs/service';
import { type Lease, leaseClaimsOf, licenseClaimsOf, makeProof, machineIdOf, thumbprintOf } from '#libs/trust';
import { MemoryRequests, Requests } from '#libs/transport';
import { Feed } from '../src/feed.js';
import { FeedModule } from '../src/feed.module.js';

class TestClock extends Clock {
  offsetMs = 0;

  now(): Date {
    return new Date(Date.now() + this.offsetMs);
  }
}

export const hours = (n: number): number => n * 3_600_000;
export const days = (n: number): number => n * 86_400_000;

interface Signer {
  readonly privateKey: KeyObject;
  readonly jwk: PublicJwk;
}

function newKey(): Signer {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, jwk: publicJwkSchema.parse(createPublicKey(privateKey).export({ format: 'jwk' })) };
}

/** Real keys in the place of sign, which this stage may not know. */
class TestSign {
  private readonly bundle = newKey();
  private readonly license = newKey();
  private readonly lease = newKey();

  readonly keys: TrustKeys = {
    schema: 1,
    bundleThreshold: 1,
    bundle: [{ ...this.bundle.jwk, kid: 'bundle' }],
    license: [{ ...this.license.jwk, kid: 'license' }],
    lease: [{ ...this.lease.jwk, kid: 'lease' }],
  };

  licenseToken(license: EventData<'TrialIssued'>): Promise<string> {
    return sign(this.license, 'license', tokenTypes.license, licenseClaimsOf(license, license.terms.notBefore));
  }

  leaseToken(lease: Lease, issuedAt: Date): Promise<string> {
    return sign(this.lease, 'lease', tokenTypes.lease, leaseClaimsOf(lease, issuedAt.toISOString()));
  }
}

function sign(key: Signer, kid: string, typ: string, claims: object): Promise<string> {
  const jws = new CompactSign(Buffer.from(JSON.stringify(claims)));
  return jws.setProtectedHeader({ alg: 'EdDSA', typ, kid }).sign(key.privateKey);
}

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

/** The feed as it runs: HTTP on a port, stores in memory, real keys and tokens. */
export class FeedUnderTest {
  readonly events = new MemoryEventStore();
  readonly blobs = new MemoryBlobStore();
  readonly hints = new MemoryHintPublisher();
  readonly requests = new MemoryRequests();
  readonly clock = new TestClock();
  readonly sign = new TestSign();
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
    const access: HintAccess = { host: 'hints.example', port: 4222, user: 'agent', password: 'secret' };
    const providers = [
      { provide: EventStore, useValue: this.events },
      { provide: BlobStore, useValue: this.blobs },
      { provide: HintPublisher, useValue: this.hints },
      { provide: HintAccess, useValue: access },
      { provide: Requests, useValue: this.requests },
      { provide: Clock, useValue: this.clock },
    ];
    class MemoryPlatform {}
    Global()(MemoryPlatform);
    Module({ providers, exports: providers })(MemoryPlatform);
    const module = await Test.createTestingModule({ imports: [MemoryPlatform, FeedModule] }).compile();
    this.app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter({ bodyLimit: 4_194_304 }), {
      rawBody: true,
      logger: false,
    });
    this.app.useGlobalFilters(new ProblemFilter());
    await this.app.listen(0, '127.0.0.1');
    this.url = await this.app.getUrl();
  }

  get feed(): Feed {
    if (this.app === undefined) throw new Error('the feed is not running');
    return this.app.get(Feed);
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
  async bundle(bundleId: string, tier?: Tier, on: KernelIdentity = kernel): Promise<Buffer> {
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
      fixId: 'f1',
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

  async promote(bundleId: string, tier: Tier): Promise<void> {
    await this.feed.promoted(await this.record(`bundle.${bundleId}`, fact('BundlePromoted', { bundleId, tier })));
  }

  async recall(bundleId: string, reason = 'it crashes'): Promise<void> {
    await this.feed.recalled(await this.record(`bundle.${bundleId}`, fact('BundleRecalled', { bundleId, reason })));
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

interface Sending {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** Another proof than the right one; `none`: no proof at all. */
  readonly proof?: string;
  readonly lease?: string;
}

/** A machine with its key, as the agent speaks. */
export class TestMachine {
  readonly key = newKey();
  readonly id = machineIdOf(this.key.jwk);
  readonly keyThumbprint = thumbprintOf(this.key.jwk);
  lease: string | undefined;

  constructor(private readonly under: FeedUnderTest) {}

  prove(method: string, path: string, body = Buffer.alloc(0)): Promise<string> {
    const { privateKey, jwk: publicJwk } = this.key;
    return makeProof({ method, path, body, at: this.under.clock.now(), privateKey, publicJwk });
  }

  async send(method: string, path: string, sending: Sending = {}): Promise<Response> {
    const body = sending.body === undefined ? undefined : Buffer.from(JSON.stringify(sending.body));
    const proof = sending.proof ?? (await this.prove(method, path, body));
    const lease = sending.lease ?? this.lease;
    return fetch(this.under.url + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(proof === 'none' ? {} : { 'splicecast-proof': proof }),
        ...(lease === undefined ? {} : { authorization: `Bearer ${lease}` }),
        ...sending.headers,
      },
      ...(body === undefined ? {} : { body }),
    });
  }

  /** Enrols, and keeps the lease if there is one. */
  async enrol(license: string, changed: object = {}): Promise<Response> {
    const body = { license, hostname: 'web-1', kernel: running, ...changed };
    return this.keep(await this.send('POST', '/v1/machines', { body }));
  }

  async renew(license: string, kernel: object = running): Promise<Response> {
    return this.keep(await this.send('POST', `/v1/machines/${this.id}/lease`, { body: { license, kernel } }));
  }

  async updates(headers: Record<string, string> = {}): Promise<Response> {
    return this.send('GET', `/v1/machines/${this.id}/updates`, { headers });
  }

  /** What it is offered: `<bundleId>`, `<bundleId> recalled`. */
  async offered(): Promise<string[]> {
    const body = (await (await this.updates()).json()) as { bundles: { bundleId: string; recalled?: object }[] };
    return body.bundles.map((one) => one.bundleId + (one.recalled === undefined ? '' : ' recalled'));
  }

  async artefact(bundleId: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
    return this.send(method, `/v1/bundles/${bundleId}/artefact`, { headers });
  }

  async report(reportId: string, ...facts: object[]): Promise<Response> {
    const response = await this.send('POST', `/v1/machines/${this.id}/reports`, { body: { reportId, facts } });
    await this.under.settled();
    return response;
  }

  private async keep(response: Response): Promise<Response> {
    if (response.ok) this.lease = ((await response.clone().json()) as { lease: string }).lease;
    return response;
  }
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A problem's status and code. */
export async function problemOf(response: Response): Promise<string> {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const body = (await response.json()) as { status: number; code: string };
  expect(body.status).toBe(response.status);
  return `${body.status} ${body.code}`;
}
