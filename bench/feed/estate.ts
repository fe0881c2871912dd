import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FolderBlobStore } from '#libs/blobs';
import { fact, hintSubject, type TrustKeys } from '#libs/contracts';
import { connectEventStore, EmbeddedNats, type EventStore } from '#libs/eventstore';
import { connectRequests } from '#libs/transport';
import type { FromCrowd, ToCrowd } from './crowd.js';
import { kernel, Seeds } from './seeds.js';
import { now, type Spread, spreadOf } from './spread.js';
import { FeedProcess, Worker, type WorkerName } from './world.js';

const awaitMs = 30_000;

/** What the feed stands on, with a log that the stages before it would have written. */
export class Estate {
  readonly subject = hintSubject(kernel, 'stable');
  private bundles = 0;

  private constructor(
    private readonly dataDir: string,
    readonly nats: EmbeddedNats,
    private readonly events: EventStore,
    readonly seeds: Seeds,
    private readonly signature: string,
    private readonly closers: (() => unknown)[],
  ) {}

  static async make(): Promise<Estate> {
    const closers: (() => unknown)[] = [];
    const dataDir = await mkdtemp(join(tmpdir(), 'splicecast-bench-'));
    closers.push(() => rm(dataDir, { recursive: true, force: true }));
    const nats = await EmbeddedNats.start({ dataDir });
    closers.push(() => nats.stop());
    const store = await connectEventStore(nats.service);
    closers.push(() => store.close());
    const seeds = new Seeds(store);
    const { digest } = await new FolderBlobStore(join(dataDir, 'blobs')).put(Buffer.from('signature'));
    await seeds.kernel(digest);
    await answerForSign(nats, closers);
    return new Estate(dataDir, nats, store, seeds, digest, closers);
  }

  get keysFolder(): string {
    return join(this.dataDir, 'nats');
  }

  async startFeed(profile: string | undefined): Promise<FeedProcess> {
    const feed = await FeedProcess.start(this.dataDir, this.nats.url, profile);
    this.closers.push(() => feed.stop());
    // It is given all that was written: that isn't what is measured.
    for (let left = 1; left > 0; await sleep(200)) {
      const [work] = (await this.events.backlog()).filter(({ worker }) => worker === 'feed');
      left = work === undefined ? 1 : work.waiting + work.inHand;
    }
    return feed;
  }

  worker<Order, Answer>(name: WorkerName): Worker<Order, Answer> {
    const worker = Worker.start<Order, Answer>(name);
    this.onClose(() => worker.stop());
    return worker;
  }

  onClose(close: () => unknown): void {
    this.closers.push(close);
  }

  /** A bundle that can be promoted, which is left to `act`. */
  async bundle(): Promise<string> {
    const bundleId = `b${(this.bundles += 1)}`;
    await this.seeds.bundle(bundleId, this.signature);
    return bundleId;
  }

  promote(bundleId: string): Promise<void> {
    return this.seeds.write(`bundle.${bundleId}`, fact('BundlePromoted', { bundleId, tier: 'stable' }));
  }

  async close(): Promise<void> {
    for (const close of this.closers.toReversed()) await close();
  }
}

/** The feed asks sign for its public keys; nobody shows a token here. */
async function answerForSign(nats: EmbeddedNats, closers: (() => unknown)[]): Promise<void> {
  const requests = await connectRequests(nats.service);
  closers.push(() => requests.close());
  const key = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), kid: 'bench' } as const;
  const keys: TrustKeys = { schema: 1, bundleThreshold: 1, bundle: [key], license: [key], lease: [key] };
  await requests.respond('sign.keys', 'sign', async () => keys);
}

/** What happens to a crowd from `act` on, until all have heard it or were closed. */
export async function spread(
  crowd: { ask(order: ToCrowd): Promise<FromCrowd> },
  what: 'heard' | 'closed',
  act: () => Promise<unknown>,
): Promise<Spread> {
  await crowd.ask({ do: 'reset' });
  const began = now();
  const [, { times = [] }] = await Promise.all([act(), crowd.ask({ do: 'await', what, limitMs: awaitMs })]);
  return spreadOf(times, began);
}
