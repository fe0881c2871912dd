import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, fact, recallListSchema } from '#libs/contracts';
import type { RecordedEvent } from '#libs/eventstore';
import { draftRoot, draftTopTargets, standardPolicy, TufError } from '#libs/tuf';
import { Metadata } from '../src/metadata/metadata.js';
import { metadataReportSchema } from '../src/metadata/status.js';
import { Upkeep } from '../src/metadata/upkeep.js';
import { admin, handIn, keys, onlineKeys, published as publishedBy, SeenBefore, signed } from './ceremony.fixture.js';
import { buildFix, moduleBytes, record, type SignUnderTest, startSign } from './sign.fixture.js';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const role = 'debian-x86_64/6.1.0-54-amd64';

let under: SignUnderTest;
let seen: SeenBefore;
beforeEach(async () => {
  under = await startSign();
  seen = new SeenBefore();
});
afterEach(async () => {
  delete process.env['SPLICECAST_CEREMONY'];
  await under.stop();
});

const now = () => under.clock.now().getTime();

const published = () => publishedBy(under);
const asMachine = () => seen.update(under);

/** Signs a bundle and publishes it. @returns its signed event. */
async function publishBundle(moduleName = 'sc_fix1'): Promise<RecordedEvent> {
  await under.sign.handle(await buildFix(under, moduleBytes({ name: moduleName }), { moduleName, ownPatch: true }));
  const signed = await lastSigned();
  await under.get(Metadata).signed(signed);
  return signed;
}

async function lastSigned(): Promise<RecordedEvent> {
  let found: RecordedEvent | undefined;
  const end = await under.events.lastPosition();
  await new Promise<void>((resolve) => {
    under.events.subscribe({ from: 1 }, async ({ events, position }) => {
      found = events.find(({ fact: { type } }) => type === 'BundleSigned') ?? found;
      if (position === end) resolve();
    });
  });
  if (found === undefined) throw new Error('nothing was signed');
  return found;
}

const idOf = ({ fact: one }: RecordedEvent): string => (one.type === 'BundleSigned' ? one.data.bundleId : '');

async function recall(bundleId: string, keep?: true): Promise<void> {
  const recalled = fact('BundleRecalled', { bundleId, reason: 'it crashes', ...(keep === undefined ? {} : { keep }) });
  await under.get(Metadata).recalled(await record(under.events, `bundle.${bundleId}`, recalled));
}

/** Ends the process, and starts another on what it left. */
async function restart(): Promise<void> {
  await under.crash();
  under = await startSign(under);
}

const codeOf = (act: Promise<unknown>) =>
  act.then(
    () => 'none',
    (error: unknown) => (error instanceof TufError ? error.code : String(error)),
  );

describe('a signed bundle', () => {
  it('is vouched for by its release’s role, for a machine that pins the first root', async () => {
    const bundleId = idOf(await publishBundle());
    const target = await (await asMachine()).find(`${role}/${bundleId}.tar.gz`);
    const [assembled] = (await under.events.readStream(`bundle.${bundleId}`)).events;
    expect(assembled?.fact).toMatchObject({
      data: { artefact: target.hashes.get('sha256'), sizeBytes: target.length },
    });
  });

  it('is published once, however often it is said', async () => {
    const signed = await publishBundle();
    const { revision } = await under.events.readStream('metadata.tuf');
    await under.get(Metadata).signed(signed);
    expect((await under.events.readStream('metadata.tuf')).revision).toBe(revision);
  });

  it('is published without the offline keys, also where they are on the same machine', async () => {
    await publishBundle();
    const keys = join(under.dataDir, 'ceremony/keys');
    for (const file of await readdir(keys)) await writeFile(join(keys, file), 'spoilt');
    const bundleId = idOf(await publishBundle('sc_fix2'));
    expect(await codeOf((await asMachine()).find(`${role}/${bundleId}.tar.gz`))).toBe('none');
  });

  it('is published in the end, wherever it was interrupted', async () => {
    await under.sign.handle(await buildFix(under, moduleBytes(), { ownPatch: true }));
    const signed = await lastSigned();
    for (let failing = 1; ; failing += 1) {
      let calls = 0;
      const put = under.blobs.put.bind(under.blobs);
      const append = under.events.appendToStream.bind(under.events);
      const fail = () => (calls += 1) === failing;
      under.blobs.put = async (...args) => {
        if (fail()) throw new Error('no disk');
        return put(...args);
      };
      under.events.appendToStream = async (...args) => {
        if (fail()) throw new Error('no log');
        return append(...args);
      };
      const failed = await codeOf(under.get(Metadata).signed(signed));
      Object.assign(under.blobs, { put });
      Object.assign(under.events, { appendToStream: append });
      if (failed === 'none') {
        expect(failing).toBeGreaterThan(5);
        break;
      }
      expect(failed).toMatch(/no disk|no log/);
    }
    await (await asMachine()).find(`${role}/${idOf(signed)}.tar.gz`);
  });

  it('is vouched for only if this stage has signed it, whatever the log says', async () => {
    const signed = await publishBundle();
    const [assembled] = (await under.events.readStream(`bundle.${idOf(signed)}`)).events;
    if (assembled?.fact.type !== 'BundleAssembled' || signed.fact.type !== 'BundleSigned') throw new Error('no bundle');
    const forged = 'f'.repeat(20);
    const signature = await under.blobs.put(Buffer.from('{"signatures":[]}'));
    for (const [bundleId, signedBy] of [
      [forged, signed.fact.data.signature],
      ['e'.repeat(20), signature.digest],
      ['d'.repeat(20), digestOf('nowhere')],
    ] as const) {
      const event = await record(
        under.events,
        `bundle.${bundleId}`,
        fact('BundleAssembled', { ...assembled.fact.data, bundleId }),
        fact('BundleSigned', { bundleId, signature: signedBy, keyIds: ['bundle'] }),
      );
      await expect(under.get(Metadata).signed(event)).rejects.toMatchObject({ name: 'PoisonMessage' });
      expect(await codeOf((await asMachine()).find(`${role}/${bundleId}.tar.gz`))).toBe('unknown-target');
    }
  });

  it('that is recalled is on the list of recalls, and stays there', async () => {
    const bundleId = idOf(await publishBundle());
    const before = recallListSchema.parse(
      JSON.parse(String(await (await asMachine()).download('recall/recalls.json'))),
    );
    expect(before.recalls).toEqual([]);
    await recall(bundleId);
    await restart();
    const list = recallListSchema.parse(JSON.parse(String(await (await asMachine()).download('recall/recalls.json'))));
    expect(list.recalls).toMatchObject([{ bundleId, reason: 'it crashes' }]);
  });
});

/** Of each recall on the list, whether machines may keep the bundle. */
const listed = async () => {
  const list = await (await asMachine()).download('recall/recalls.json');
  return recallListSchema.parse(JSON.parse(list.toString())).recalls.map(({ keep }) => keep);
};

/** Bundles that publications said are recalled from then on. */
const saidRecalled = async () =>
  (await under.events.readStream('metadata.tuf')).events.flatMap(({ fact: one }) =>
    one.type === 'MetadataPublished' ? (one.data.recalledIds ?? []) : [],
  );

describe('a recall', () => {
  it('that lets machines keep a bundle can be followed by one that takes it back, and not the other way round', async () => {
    const bundleId = idOf(await publishBundle());
    await recall(bundleId, true);
    expect(await listed()).toEqual([true]);
    await recall(bundleId);
    expect(await listed()).toEqual([undefined]);
    // Whoever listens is told of both: the first changed nothing for machines that run it, and the second does.
    expect(await saidRecalled()).toEqual([bundleId, bundleId]);
    const { revision } = await published();
    await recall(bundleId, true);
    expect(await listed()).toEqual([undefined]);
    expect((await published()).revision).toBe(revision);
  });
});

describe('the metadata', () => {
  it('goes on after a restart, and from the versions that were seen if the blobs are lost', async () => {
    const first = idOf(await publishBundle());
    const { trusted } = await asMachine();
    await restart();
    const second = idOf(await publishBundle('sc_fix2'));
    await asMachine();
    for (const { digest, name } of (await published()).current()) {
      if (name !== '1.root.json' || digest.startsWith('0')) await under.blobs.remove(digest);
    }
    await restart();
    const after = await asMachine();
    expect(after.trusted.timestamp.version).toBeGreaterThan(trusted.timestamp.version);
    expect(after.trusted.root.version).toBe(1);
    for (const id of [first, second]) await after.find(`${role}/${id}.tar.gz`);
    await after.download('recall/recalls.json');
  });

  it('gets a timestamp each hour and no new snapshot with it, and is not let expire', async () => {
    await publishBundle();
    const upkeep = under.get(Upkeep);
    const before = (await asMachine()).trusted;
    under.clock.offsetMs += hourMs + 1000;
    await upkeep.hourly();
    await upkeep.hourly();
    const after = (await asMachine()).trusted;
    expect(after.timestamp.version).toBe(before.timestamp.version + 1);
    expect(after.snapshot.version).toBe(before.snapshot.version);
    for (let days = 3; days <= 120; days += 3) {
      under.clock.offsetMs += 3 * dayMs;
      await upkeep.daily();
      if (days % 15 === 0) await asMachine();
    }
  });

  it('is pruned of what no client can ask for any more, and of nothing else', async () => {
    const bundleId = idOf(await publishBundle());
    const old = await published();
    under.clock.offsetMs += 4 * dayMs;
    await under.get(Upkeep).daily();
    under.clock.offsetMs += 12 * hourMs;
    await under.get(Upkeep).daily();
    const kept = (await published()).current();
    for (const { digest } of kept) expect(await under.blobs.stat(digest)).toBeDefined();
    under.clock.offsetMs += 2 * dayMs;
    await under.get(Upkeep).daily();
    const stamp = old.newest('timestamp');
    expect(await under.blobs.stat(stamp?.digest ?? '')).toBeUndefined();
    await (await asMachine()).find(`${role}/${bundleId}.tar.gz`);
    seen = new SeenBefore();
    await (await asMachine()).find(`${role}/${bundleId}.tar.gz`);
  });

  it('does not take over what somebody else put into its store', async () => {
    const bundleId = idOf(await publishBundle());
    const index = await published();
    const newest = index.newest(role);
    const forged = Buffer.from(
      (await under.blobs.read(newest?.digest ?? '')).toString().replace(bundleId, 'a'.repeat(20)),
    );
    const ref = await under.blobs.put(forged);
    const files = [{ name: newest?.name ?? '', ...ref }];
    const expiresAt = new Date(now()).toISOString();
    const stamp = index.newest('timestamp');
    if (stamp !== undefined) files.push({ name: 'timestamp.json', digest: stamp.digest, sizeBytes: stamp.sizeBytes });
    const versions = { timestamp: index.floor.get('timestamp') ?? 1, snapshot: index.floor.get('snapshot') ?? 1 };
    await record(under.events, 'metadata.tuf', fact('MetadataPublished', { ...versions, expiresAt, files }));
    await publishBundle('sc_fix3');
    expect(await codeOf((await asMachine()).find(`${role}/${'a'.repeat(20)}.tar.gz`))).toBe('unknown-target');
  });
});

describe('a ceremony elsewhere', () => {
  const [root, targets] = [keys(5), keys(3)];
  beforeEach(async () => {
    await under.stop();
    process.env['SPLICECAST_CEREMONY'] = 'elsewhere';
    under = await startSign();
  });

  it('entitles the service’s keys; until then bundles wait, and from then on they don’t', async () => {
    const bundleId = idOf(await publishBundle());
    expect((await admin(under, 'GET', '/v1/tuf/status')).body).toMatchObject({
      ceremony: 'elsewhere',
      waiting: [{ channel: 'debian-x86_64', bundles: 1 }],
    });
    const service = await onlineKeys(under);
    const firstRoot = draftRoot(undefined, { ...service, root, targets }, standardPolicy, now());
    const firstTargets = draftTopTargets(undefined, ['debian-x86_64'], service, standardPolicy, now());
    expect(await handIn(under, await signed(firstTargets, targets.slice(1)))).toBe('metadata-unknown-role');
    expect(await handIn(under, await signed(firstRoot, root.slice(0, 2)))).toBe('metadata-threshold-not-met');
    const good = [await signed(firstRoot, root.slice(0, 3)), await signed(firstTargets, targets.slice(1))];
    expect(await handIn(under, ...good)).toBe('accepted');
    await (await asMachine()).find(`${role}/${bundleId}.tar.gz`);
    const { body } = await admin(under, 'GET', '/v1/tuf/status');
    expect(body).toMatchObject({ waiting: [], root: { version: 1 } });
    expect(metadataReportSchema.parse(body)).toEqual(body);
    expect(await handIn(under, ...good)).toBe('accepted');

    const [rootFile] = good;
    const newHolders = keys(5);
    const next = draftRoot(rootFile, { ...service, root: newHolders, targets: keys(3) }, standardPolicy, now());
    const both = await signed(next, [...root.slice(0, 3), ...newHolders.slice(0, 3)]);
    // The targets that are published are not by the holders that this root names: every client would stop there.
    expect(await handIn(under, both)).toBe('metadata-threshold-not-met');
    expect(await codeOf(asMachine())).toBe('none');
    const same = draftRoot(rootFile, { ...service, root: newHolders, targets }, standardPolicy, now());
    expect(await handIn(under, await signed(same, newHolders))).toBe('metadata-threshold-not-met');
    expect(await handIn(under, await signed(same, [...root.slice(0, 3), ...newHolders.slice(0, 3)]))).toBe('accepted');
    expect((await asMachine()).trusted.root.version).toBe(2);
  });

  it('that names other keys for the service is refused before anybody sees it', async () => {
    const service = await onlineKeys(under);
    const foreign = { ...service, timestamp: keys(1) };
    const draft = draftRoot(undefined, { ...foreign, root, targets }, standardPolicy, now());
    expect(await handIn(under, await signed(draft, root.slice(0, 3)))).toBe('metadata-wrong-keys');
    expect((await published()).newest('root')).toBeUndefined();
    const { status } = await admin(under, 'POST', '/v1/tuf/metadata', {
      files: [Buffer.from('{}').toString('base64')],
    });
    expect(status).toBe(422);
    expect((await fetch(`${under.url}/v1/tuf/status`)).status).toBe(401);
  });
});

it('keeps nothing of a data folder that is gone but what the log has', async () => {
  await publishBundle();
  await rm(join(under.dataDir, 'ceremony'), { recursive: true });
  await restart();
  const bundleId = idOf(await publishBundle('sc_fix2'));
  expect(await codeOf((await asMachine()).find(`${role}/${bundleId}.tar.gz`))).toBe('none');
});
