import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FolderBlobStore } from '#libs/blobs';
import { connectEventStore, EmbeddedNats, type EventStore, type Subscription } from '#libs/eventstore';
import { type Cost, medianCost } from './cost.js';
import { Estate } from './estate.js';
import type { Population } from './population.js';
import { type SignProcess, startSign } from './sign-process.js';

const rounds = 9;
const patienceMs = 120_000;

/** What the stage that signs takes, as a process of its own over JetStream and blobs in files. */
export interface StageReport {
  /** From a hot patch in the log to its signed bundle in the log. */
  readonly sign: Cost;
  /** From there to the metadata that vouches for it, in the log. */
  readonly publish: Cost;
  /** Until the stage was ready, on a log of this size. */
  readonly startMs: number;
}

/** Lets the stage sign and publish bundles of several releases, one after the other. */
export async function measureStage(population: Population): Promise<StageReport> {
  const dataDir = await mkdtemp(join(tmpdir(), 'splicecast-bench-sign-'));
  const closers: (() => Promise<unknown>)[] = [() => rm(dataDir, { recursive: true, force: true })];
  try {
    await population.keys.writeTo(dataDir);
    const nats = await EmbeddedNats.start({ dataDir });
    closers.unshift(() => nats.stop());
    const events = await connectEventStore(nats.service);
    closers.unshift(() => events.close());
    const estate = new Estate(events, new FolderBlobStore(join(dataDir, 'blobs')), population);
    await estate.write();
    await passOver(events);
    const began = performance.now();
    const environment = { SPLICECAST_KEY_PASSPHRASE: 'of the bench', SPLICECAST_CEREMONY: 'here' };
    const stage = await startSign({ dataDir, natsUrl: nats.url, environment });
    closers.unshift(() => stage.stop());
    const startMs = performance.now() - began;
    return { startMs, ...(await publishSome(events, estate, stage, population.releases.length)) };
  } finally {
    for (const close of closers) await close();
  }
}

/** The stage has had the whole log before: it isn't asked to publish again what is published. */
async function passOver(events: EventStore): Promise<void> {
  const worker = await events.work({ name: 'sign', concurrency: 10 }, async () => undefined);
  for (;;) {
    const [own] = (await events.backlog()).filter((one) => one.worker === 'sign');
    if (own?.waiting === 0 && own.inHand === 0) break;
    await sleep(100);
  }
  await worker.stop();
}

async function publishSome(
  events: EventStore,
  estate: Estate,
  stage: SignProcess,
  releases: number,
): Promise<Pick<StageReport, 'sign' | 'publish'>> {
  const [sign, publish]: [Cost[], Cost[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    const before = await stage.cpuMs();
    let began = 0;
    const { signed, published } = await hear(events, await events.lastPosition(), stage, async () => {
      began = await estate.build(Math.floor((round * (releases - 1)) / rounds), `bench-fix-${round}`);
    });
    // The first is the process's own warming up.
    if (round === 0) continue;
    sign.push({ ms: signed.at - began, cpuMs: signed.cpuMs - before });
    publish.push({ ms: published.at - signed.at, cpuMs: published.cpuMs - signed.cpuMs });
  }
  return { sign: medianCost(sign), publish: medianCost(publish) };
}

interface Moment {
  readonly at: number;
  readonly cpuMs: number;
}

interface Moments {
  readonly signed: Moment;
  readonly published: Moment;
}

/** Hears when a bundle is signed, and when it is vouched for. */
async function hear(
  events: EventStore,
  after: number,
  stage: SignProcess,
  begin: () => Promise<void>,
): Promise<Moments> {
  const over = new AbortController();
  const subscribed: Subscription[] = [];
  const heard = new Promise<Moments>((resolve) => {
    let signed: Moment | undefined;
    const subscription = events.subscribe({ from: after + 1 }, async ({ events: said }) => {
      const moment = { at: performance.now(), cpuMs: await stage.cpuMs() };
      for (const { fact } of said) {
        if (fact.type === 'BundleSigned') signed = moment;
        const isPublished = fact.type === 'MetadataPublished' && fact.data.bundleIds !== undefined;
        if (isPublished && signed !== undefined) resolve({ signed, published: moment });
      }
    });
    subscribed.push(subscription);
  });
  const late = sleep(patienceMs, undefined, { signal: over.signal }).then(() => {
    throw new Error('the stage publishes nothing');
  });
  late.catch(() => undefined);
  try {
    await begin();
    return await Promise.race([heard, late]);
  } finally {
    over.abort();
    for (const one of subscribed) await one.stop();
  }
}
