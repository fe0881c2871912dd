import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type CachedPackage, download, findKernelStep } from '#libs/apt';
import { ServiceError } from '#libs/client';
import { Progress } from '../../tools/demo/progress.js';
import { ServiceProcess } from '../../tools/demo/service-process.js';
import * as stages from '../../tools/demo/stages.js';
import { edits, makeDrops } from './source-drops.js';

const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const cacheDir = process.env['SPLICECAST_CACHE'] ?? join(project, 'data', 'cache');
const distDir = join(project, 'dist');
const product = 'debian-linux-6-1';
const testTimeoutMs = 10 * 60_000;
/** How long the service may be away in the middle of an operator's step. */
const outageMs = 2 * 60_000;

const eventsSchema = z.object({
  items: z.array(z.object({ stream: z.string(), type: z.string(), position: z.number() })),
});
const progress = new Progress();

let scratch: string;
let service: ServiceProcess;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'splicecast-crash-'));
});

/** A step that failed ends the killing too: another suite's service may be next in this process. */
let over = false;
afterAll(async () => {
  over = true;
  await service?.stop();
  await rm(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

/** What the log holds, in order, as `<category> <type>`. */
async function recorded(): Promise<readonly { stream: string; type: string; position: number }[]> {
  const { items } = await service.client.get('/v1/events?limit=500', eventsSchema);
  return items.toSorted((a, b) => a.position - b.position);
}

const publicationsSchema = z.object({ items: z.array(z.object({ bundles: z.array(z.string()).default([]) })) });

/** Every bundle that was published, as often as it was; waits for the one that was signed last. */
async function vouchedFor(): Promise<readonly string[]> {
  const signed = (await recorded()).filter(({ type }) => type === 'BundleSigned').length;
  return service.client.until('the publication of every bundle', 60_000, async () => {
    const { items } = await service.client.get('/v1/publications?limit=500', publicationsSchema);
    const bundles = items.flatMap((one) => one.bundles);
    return bundles.length >= signed ? bundles : undefined;
  });
}

/** Does an operator's step again while the service is down; each start takes a while on a busy machine, and it is killed again soon. */
async function persistently<T>(step: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + outageMs;
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (Date.now() > deadline || (error instanceof ServiceError && error.status >= 400 && error.status < 500))
        throw error;
      await sleep(300);
    }
  }
}

/**
 * Kills the service with SIGKILL each time that something new is in the log, that is between any two steps, until `enough`;
 * restarts it on the same data each time.
 */
async function crashAtEveryStep(enough: (types: readonly string[]) => boolean): Promise<number> {
  const seen = new Set<string>();
  const deadline = Date.now() + testTimeoutMs - 60_000;
  for (let crashes = 0; ;) {
    const events = await persistently(recorded);
    if (over) return crashes;
    const fresh = events.filter((one) => !seen.has(`${one.stream} ${one.type}`));
    if (enough(events.map((one) => one.type))) return crashes;
    if (Date.now() > deadline) throw new Error(`stuck after ${crashes} crashes at ${events.at(-1)?.type}`);
    for (const one of fresh) seen.add(`${one.stream} ${one.type}`);
    if (fresh.length === 0) {
      await sleep(50);
      continue;
    }
    await service.crash();
    crashes += 1;
    const { adminToken, client } = service;
    service = await ServiceProcess.start(join(scratch, 'state'), {
      distDir,
      adminToken,
      port: Number(new URL(client.url).port),
    });
  }
}

it(
  'loses nothing and does nothing twice when it is killed between any two steps',
  async () => {
    const step = await findKernelStep('6.1');
    const [source, image, ...headers] = await Promise.all(
      [step.from, step.image, ...step.headers].map((one) => download(one, cacheDir)),
    );
    if (source === undefined || image === undefined) throw new Error('the archive gave no source or image');
    const drops = await makeDrops(source, cacheDir, scratch);
    const cached = (file: string, version: string): CachedPackage => ({
      ...source,
      file,
      version,
      fileName: file.split('/').at(-1) ?? '',
    });
    service = await ServiceProcess.start(join(scratch, 'state'), { distDir });

    const older = cached(drops.older, drops.versions[0]);
    const newer = cached(drops.newer, drops.versions[1]);
    const ready = crashAtEveryStep((types) => types.includes('DropSplit') && types.includes('KernelImported'));
    const olderId = await persistently(() => stages.sendDrop(service.client, older, product, progress));
    const newerId = await persistently(() => stages.sendDrop(service.client, newer, product, progress, olderId));
    const kernelId = await persistently(() => stages.sendKernel(service.client, image, headers, olderId, progress));
    const early = await ready;
    const signed = crashAtEveryStep((types) => types.includes('BundleSigned') && types.includes('HotPatchRefused'));
    const request = { kernelId, dropId: newerId, select: { limit: 10 } };
    await persistently(() => service.client.post('/v1/fixes', request, z.unknown()));
    const late = await signed;
    expect(early).toBeGreaterThanOrEqual(4);
    expect(late).toBeGreaterThanOrEqual(2);

    // Once more, quietly: whatever is still in hand comes to its end, and an operator's repeated steps change nothing.
    await stages.sendDrop(service.client, newer, product, progress, olderId);
    await stages.sendKernel(service.client, image, headers, olderId, progress);
    const fixes = await stages.buildFixes(
      service.client,
      [{ kernelId, dropId: newerId, select: { limit: 10 } }],
      progress,
    );
    expect(fixes.find((one) => one.subject === edits.loadavg.subject)).toMatchObject({ state: 'built' });
    await stages.signedBundles(service.client, fixes, progress);

    const events = await recorded();
    const count = (type: string): number => events.filter((one) => one.type === type).length;
    // Calls are recorded as often as they are made, and metadata is published whenever there is something new to say.
    const once = events
      .filter(({ stream }) => !/^(?:audit|metadata)\./.test(stream))
      .map((one) => `${one.stream} ${one.type}`);
    expect(new Set(once).size).toBe(once.length);
    expect(count('SourceDropUnpacked')).toBe(2);
    expect(count('DropSplit')).toBe(1);
    expect(count('KernelImported')).toBe(1);
    expect(count('FixProposed')).toBe(fixes.length);
    expect(count('HotPatchBuilt') + count('HotPatchRefused')).toBe(fixes.length);
    expect(count('BundleSigned')).toBe(count('HotPatchBuilt'));
    const vouched = await vouchedFor();
    expect(new Set(vouched).size).toBe(vouched.length);
    expect(vouched).toHaveLength(count('BundleSigned'));
    const letters = await service.client.get('/v1/dead-letters', z.object({ items: z.array(z.unknown()) }));
    expect(letters.items).toEqual([]);
  },
  testTimeoutMs,
);
