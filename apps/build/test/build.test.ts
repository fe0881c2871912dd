import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobStore, FolderBlobStore } from '#libs/blobs';
import { digestOf, type EventData, type Fact, fact } from '#libs/contracts';
import { MemoryEventStore, RetryLater, type RecordedEvent, type StreamName } from '#libs/eventstore';
import { SystemClock } from '#libs/service';
import { GitTreeStore } from '#libs/trees';
import { BuildThread } from '../src/adapters/build-thread.js';
import { Build } from '../src/build.js';
import { KernelPackagesController } from '../src/http/kernel-packages.controller.js';
import { Import } from '../src/import.js';

const digest = digestOf('x');
const imported: EventData<'KernelImported'> = {
  kernelId: 'k1',
  kernel: {
    distro: 'debian',
    arch: 'x86_64',
    release: '9.8.7-test',
    version: '9.8.7-1',
    buildId: '0123456789abcdef',
    vermagic: '9.8.7-test SMP ',
  },
  compiler: 'gcc-12',
  config: digest,
  symvers: digest,
  kallsyms: digest,
  btf: digest,
  counts: { symbols: 1, exports: 1, btfTypes: 1 },
  durationMs: 1,
};

let folder: string;
let events: MemoryEventStore;
let blobs: BlobStore;
let trees: GitTreeStore;
let builder: BuildThread;
let build: Build;
let imports: Import;
let packages: KernelPackagesController;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splicecast-build-test-'));
  events = new MemoryEventStore();
  blobs = new FolderBlobStore(join(folder, 'blobs'));
  trees = new GitTreeStore(join(folder, 'trees.git'));
  builder = new BuildThread({
    blobsDir: join(folder, 'blobs'),
    treesDir: join(folder, 'trees.git'),
    profilesDir: join(folder, 'kernels'),
  });
  const clock = new SystemClock();
  build = new Build(events, blobs, builder, clock);
  imports = new Import(events, blobs, builder, clock);
  packages = new KernelPackagesController(events, blobs);
});
afterEach(async () => {
  await builder.onApplicationShutdown();
  await events.close();
  await rm(folder, { recursive: true, force: true });
});

async function append(stream: StreamName, ...facts: Fact[]): Promise<readonly RecordedEvent[]> {
  const { revision } = await events.readStream(stream);
  const context = { actor: 'test', commandId: `${stream}:${revision}`, correlationId: 'c' };
  await events.appendToStream(stream, revision, facts, context);
  return (await events.readStream(stream)).events;
}
const typesOf = async (stream: StreamName): Promise<readonly string[]> =>
  (await events.readStream(stream)).events.map((event) => event.fact.type);

async function received(): Promise<{ kernelId: string; stream: StreamName; event: RecordedEvent }> {
  const image = await blobs.put(Buffer.from('no package'));
  const headers = await blobs.put(Buffer.from('no package either'));
  const body = {
    distro: 'debian',
    packages: [
      { role: 'image' as const, fileName: 'linux-image.deb', digest: image.digest },
      { role: 'headers' as const, fileName: 'linux-headers.deb', digest: headers.digest },
    ],
  };
  const { kernelId } = await packages.receive(body);
  expect(await packages.receive(body)).toEqual({ kernelId });
  const event = (await events.readStream(`kernel.${kernelId}`)).events.at(-1);
  if (!event) throw new Error('nothing was recorded');
  return { kernelId, stream: `kernel.${kernelId}`, event };
}

async function proposed(kernelId: string, patch: string): Promise<RecordedEvent> {
  const writer = await trees.writeTree();
  await writer.add('fs/a.c', '100644', Buffer.from('one\ntwo\n'));
  const { tree } = await writer.finish();
  const data = {
    fixId: 'f1',
    kernelId,
    baseTree: tree,
    patch: (await blobs.put(Buffer.from(patch))).digest,
    source: { kind: 'patch' as const },
    subject: 'a fix',
    cves: [],
    confidence: 1,
    paths: ['fs/a.c'],
  };
  const [event] = await append('fix.f1', fact('FixProposed', data));
  if (!event) throw new Error('nothing was recorded');
  return event;
}
const elsewhere = '--- a/fs/a.c\n+++ b/fs/a.c\n@@ -1,2 +1,2 @@\n one\n-zwei\n+2\n';

describe('a kernel', () => {
  test('whose packages are unknown is refused, naming the field', async () => {
    const body = { distro: 'debian', packages: [{ role: 'headers' as const, fileName: 'x.deb', digest }] };
    await expect(packages.receive(body)).rejects.toMatchObject({
      status: 422,
      init: { errors: [{ pointer: '/packages' }, { pointer: '/packages/0/digest' }] },
    });
  });

  test('that can not be imported is rejected once, and tried again when it is received again', async () => {
    const { stream, event } = await received();
    await imports.handle(event);
    await imports.handle(event);
    expect(await typesOf(stream)).toEqual(['KernelReceived', 'KernelRejected']);
    const rejected = (await events.readStream(stream)).events.at(-1)?.fact;
    expect(rejected).toMatchObject({ data: { reasons: [{ code: 'bad-package' }] } });
    await received();
    expect(await typesOf(stream)).toEqual(['KernelReceived', 'KernelRejected', 'KernelReceived']);
  });
});

describe('a fix', () => {
  test('waits for its kernel', async () => {
    const event = await proposed('k1', elsewhere);
    await expect(build.handle(event)).rejects.toBeInstanceOf(RetryLater);
    expect(await typesOf('fix.f1')).toEqual(['FixProposed']);
  });

  test('for a kernel that was rejected is refused', async () => {
    const { kernelId, event } = await received();
    await imports.handle(event);
    await build.handle(await proposed(kernelId, elsewhere));
    const last = (await events.readStream('fix.f1')).events.at(-1)?.fact;
    expect(last).toMatchObject({
      type: 'HotPatchRefused',
      data: { stage: 'apply', reasons: [{ code: 'kernel-rejected' }] },
    });
  });

  test('that does not apply is refused with the path, once', async () => {
    const { kernelId, stream } = await received();
    await append(stream, fact('KernelImported', { ...imported, kernelId }));
    const event = await proposed(kernelId, elsewhere);
    await build.handle(event);
    await build.handle(event);
    expect(await typesOf('fix.f1')).toEqual(['FixProposed', 'HotPatchRefused']);
    expect((await events.readStream('fix.f1')).events.at(-1)?.fact).toMatchObject({
      data: { stage: 'apply', reasons: [{ code: 'needs-earlier-commits', object: 'fs/a.c' }] },
    });
  });
});
