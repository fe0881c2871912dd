import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { z } from 'zod';
import { BlobStore } from '#libs/blobs';
import { type EventType, fact } from '#libs/contracts';
import type { RecordedEvent, StreamName } from '#libs/eventstore';
import { HintPublisher, MemoryHintPublisher } from '#libs/hints';
import { commandContext, SystemClock } from '#libs/service';
import { fixtureModule } from '../../apps/agent/src/fixture/machine.fixture.js';
import { cleanUp } from '../../apps/catalog/test/stand.js';
import { CatalogService } from '../../apps/catalog/test/service.js';
import { stages } from '../../apps/standalone/src/stages.js';
import { ServiceLog } from '../../libs/service/src/service-log.js';
import { jsonOf } from '../faults/asking.js';
import { leaseIn, MachineClient } from '../faults/machine-client.js';
import { kernelFacts, madeKernel, patchedFunction } from '../made-facts.js';
import { makeTar } from './made-packages.js';

/*
 * One drop's id, through every real stage in one process but the compiler: in each event that follows from the drop, and in each line of
 * the log beside the id of the request that it was written for.
 */

const { distro, arch, release, buildId } = madeKernel;
const kernelId = 'debian-54';
const patienceMs = 30_000;

const lineSchema = z.looseObject({
  message: z.string(),
  context: z.string().optional(),
  requestId: z.string().optional(),
  correlationId: z.string().optional(),
});
const eventSchema = z.looseObject({
  id: z.string(),
  type: z.string(),
  actor: z.string(),
  causationId: z.string().optional(),
  stream: z.string(),
});

let scratch: string;
let service: CatalogService;
let url: string;
const written: string[] = [];

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'splicecast-correlation-'));
  service = await CatalogService.start(
    stages.filter(({ name }) => name !== 'catalog' && name !== 'build'),
    new SystemClock(),
  );
  await service.app.listen(0, '127.0.0.1');
  url = await service.app.getUrl();
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  service.app.useLogger(new ServiceLog(true));
}, 120_000);

afterAll(async () => {
  jest.restoreAllMocks();
  await cleanUp();
  await rm(scratch, { recursive: true, force: true });
});

const recordedOf = async (stream: StreamName): Promise<readonly RecordedEvent[]> =>
  (await service.events.readStream(stream)).events;

/** The first event of a type in a stream, once it is there. */
async function until(stream: StreamName, type: EventType): Promise<RecordedEvent> {
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(20)) {
    const found = (await recordedOf(stream)).find((one) => one.fact.type === type);
    if (found !== undefined) return found;
  }
  throw new Error(
    `${stream} never had ${type}: ${(await recordedOf(stream)).map(({ fact: { type: had } }) => had).join(', ')}`,
  );
}

/** Asks as an operator. */
async function post<T>(path: string, body: object, schema: z.ZodType<T>): Promise<T> {
  const answer = await service.send('POST', path, body);
  if (answer.statusCode >= 300) throw new Error(`${path}: ${answer.statusCode} ${answer.body}`);
  return schema.parse(answer.json());
}

async function handIn(pipe: string, base?: string): Promise<string> {
  const archive = await makeTar(scratch, 'linux', { Makefile: 'VERSION = 6\n', 'fs/pipe.c': pipe });
  const uploaded = await service.app.inject({
    method: 'POST',
    url: '/v1/blobs',
    headers: { authorization: 'Bearer the-operators-own-token-0', 'content-type': 'application/octet-stream' },
    payload: archive,
  });
  const { digest } = z.object({ digest: z.string() }).parse(uploaded.json());
  const drop = { product: 'test-linux', fileName: `linux-${digest.slice(0, 8)}.tar.gz`, archive: digest };
  const named = base === undefined ? drop : { ...drop, base };
  return (await post('/v1/drops', named, z.object({ dropId: z.string() }))).dropId;
}

/** What the build stage writes of a fix; its module is made up. */
async function build(proposed: RecordedEvent, fixId: string): Promise<void> {
  const name = 'sc_fix';
  const modinfo = {
    license: 'GPL',
    livepatch: 'Y',
    name,
    vermagic: madeKernel.vermagic,
    replaces: 'vmlinux/pipe_read,1',
  };
  const module = { name, ...(await service.app.get(BlobStore).put(fixtureModule(modinfo))) };
  const functions = [patchedFunction('pipe_read', 'fs/pipe.c')];
  const made = { fixId, kernelId, module, functions, runPre: { matched: 1, checked: 1 }, warnings: [], durationMs: 1 };
  const { revision } = await service.events.readStream(`fix.${fixId}`);
  const context = commandContext(proposed, 'build');
  await service.events.appendToStream(`fix.${fixId}`, revision, [fact('HotPatchBuilt', made)], context);
}

/** A machine with a trial, which gets the bundle and says that it is live. */
async function machineApplies(bundleId: string): Promise<string> {
  const { customerId } = await post('/v1/customers', { name: 'Acme' }, z.object({ customerId: z.string() }));
  const trial = { customerId, plan: 'trial', distro };
  const { token } = await post('/v1/licenses', trial, z.object({ token: z.string() }));
  const machine = new MachineClient(url);
  const enrolled = await machine.post('/v1/machines', { license: token, kernel: { distro, arch, release, buildId } });
  if (enrolled.answer === undefined) throw new Error('no answer');
  const lease = leaseIn(enrolled.answer);
  const path = `/v1/machines/${machine.machineId}`;
  const { answer } = await machine.get(`${path}/updates`, lease);
  expect(answer === undefined ? undefined : jsonOf(answer)).toMatchObject({ bundles: [{ bundleId }] });
  const applied = fact('UpdateApplied', { machineId: machine.machineId, bundleId, transitionMs: 5 });
  expect((await machine.post(`${path}/reports`, { reportId: 'r1', facts: [applied] })).answer?.status).toBe(200);
  return machine.machineId;
}

it('a drop is followed from its ingest to the machine that reports its fix, by one id', async () => {
  const base = await handIn('int pipe_read(void)\n{\n\treturn 1;\n}\n');
  await until(`drop.${base}`, 'SourceDropUnpacked');
  const dropId = await handIn('int pipe_read(void)\n{\n\treturn 2;\n}\n', base);
  const split = await until(`drop.${dropId}`, 'DropSplit');
  if (split.fact.type !== 'DropSplit') throw new Error('not split');
  await service.append([[`kernel.${kernelId}`, ...kernelFacts(kernelId, madeKernel)]]);

  const select = { commits: [split.fact.data.head] };
  const chosen = { kernelId, baseDropId: base, dropId, select };
  const { fixIds } = await post('/v1/fixes', chosen, z.object({ fixIds: z.array(z.string()).length(1) }));
  const [fixId = ''] = fixIds;
  await build(await until(`fix.${fixId}`, 'FixProposed'), fixId);
  const bundleId = await bundleOf(dropId);
  await post(`/v1/bundles/${bundleId}/promote`, { tier: 'stable' }, z.unknown());
  const machineId = await machineApplies(bundleId);
  await service.caughtUp();

  const story = await storyOf(dropId);
  expect(story.map(({ type }) => type)).toEqual([
    'SourceDropReceived',
    'SourceDropUnpacked',
    'DropSplit',
    'FixProposed',
    'HotPatchBuilt',
    'BundleAssembled',
    'BundleSigned',
    'MetadataPublished',
    'BundlePromoted',
    'UpdateApplied',
  ]);
  // What a stage did of itself names the event that made it do so: all but the commands lead back to the drop.
  const ids = new Set(story.map(({ id }) => id));
  const commands = ['SourceDropReceived', 'BundlePromoted', 'UpdateApplied'];
  for (const { type, causationId } of story) {
    if (commands.includes(type)) continue;
    expect([type, ids.has(causationId ?? '')]).toEqual([type, true]);
  }
  expect(story.at(-1)).toMatchObject({ stream: `machine.${machineId}`, actor: `machine:${machineId}` });

  const promoted = await until(`bundle.${bundleId}`, 'BundlePromoted');
  const hints = service.app.get(HintPublisher);
  if (!(hints instanceof MemoryHintPublisher)) throw new Error('hints go elsewhere');
  expect(hints.published).toContainEqual({
    subject: 'feed.debian.x86_64.6_1_0-54-amd64.stable',
    hint: { schema: 1, action: 'published', bundleId, position: promoted.position },
  });
  await linesOf(dropId, { bundleId, fixId, machineId });
}, 120_000);

/** The bundle that came of a drop, once the metadata vouches for it. */
async function bundleOf(dropId: string): Promise<string> {
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(20)) {
    const story = await storyOf(dropId);
    const signed = story.find(({ type }) => type === 'BundleSigned');
    if (signed !== undefined && story.some(({ type }) => type === 'MetadataPublished'))
      return signed.stream.split('.')[1] ?? '';
  }
  throw new Error('no bundle came of the drop');
}

async function storyOf(correlation: string) {
  const answer = await service.get(`/v1/events?correlation=${correlation}&limit=100`);
  return z.object({ items: z.array(eventSchema) }).parse(answer.json()).items;
}

/** Each stage's lines name the drop, and those that answer a request the request too: by the id that its caller's audit has. */
async function linesOf(dropId: string, of: { bundleId: string; fixId: string; machineId: string }): Promise<void> {
  const lines = written.flatMap((text) => text.trim().split('\n')).map((line) => lineSchema.parse(JSON.parse(line)));
  const own = lines.filter(({ correlationId }) => correlationId === dropId);
  const said = (text: string) => own.find(({ message }) => message.includes(text));
  const answered = [
    said(`drop ${dropId} received`),
    said(`fix ${of.fixId} proposed`),
    said(`bundle.${of.bundleId}: BundlePromoted`),
    said(`machine ${of.machineId}: UpdateApplied ${of.bundleId}`),
  ];
  const reacted = [
    said(`unpacked drop ${dropId}`),
    said(`split drop ${dropId}`),
    said(`signed bundle ${of.bundleId}`),
    said(`published ${of.bundleId} on feed.debian`),
  ];
  expect(reacted.map((line) => [line?.correlationId, line?.requestId])).toEqual(reacted.map(() => [dropId, undefined]));
  expect(answered.map((line) => line?.requestId)).toEqual(answered.map(() => expect.any(String)));
  const calls = z
    .object({ items: z.array(z.looseObject({ requestId: z.string(), path: z.string() })) })
    .parse((await service.get('/v1/calls?limit=100')).json()).items;
  const pathOf = (id: string | undefined) => calls.find(({ requestId }) => requestId === id)?.path;
  expect(answered.slice(0, 3).map((line) => pathOf(line?.requestId))).toEqual([
    '/v1/drops',
    '/v1/fixes',
    `/v1/bundles/${of.bundleId}/promote`,
  ]);
}
