import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openBundle } from '#libs/bundle';
import { type Digest, trustKeysSchema } from '#libs/contracts';
import { PoisonMessage, type RecordedEvent } from '#libs/eventstore';
import { verifyBundleSignature } from '#libs/trust';
import { buildFix, kernel, moduleBytes, type SignUnderTest, splitDrop, startSign } from './sign.fixture.js';

let under: SignUnderTest;
beforeEach(async () => {
  under = await startSign();
});
afterEach(async () => under.stop());

/** The bundle's stream: the only one of its category. */
async function bundleEvents(): Promise<readonly RecordedEvent[]> {
  const found: RecordedEvent[] = [];
  const end = await under.events.lastPosition();
  await new Promise<void>((resolve) => {
    under.events.subscribe({ from: 1 }, async (commit) => {
      if (commit.events[0]?.stream.startsWith('bundle.')) found.push(...commit.events);
      if (commit.position === end) resolve();
    });
  });
  return found;
}

async function signedBundle() {
  const [assembled, signed, ...more] = (await bundleEvents()).map((event) => event.fact);
  if (assembled?.type !== 'BundleAssembled' || signed?.type !== 'BundleSigned') throw new Error('no signed bundle');
  expect(more).toEqual([]);
  return { assembled: assembled.data, signed: signed.data };
}

const blob = (digest: Digest) => under.blobs.read(digest);

describe('a hot patch', () => {
  it('becomes a bundle that opens and verifies, and says where it comes from', async () => {
    const module = moduleBytes();
    const built = await buildFix(under, module);
    await under.sign.handle(built);

    const { assembled, signed } = await signedBundle();
    const artefact = await blob(assembled.artefact);
    const bundle = await openBundle(artefact);
    expect(bundle.bundleId).toBe(assembled.bundleId);
    expect(assembled).toMatchObject({ fixId: 'f1', kernelId: 'k1', sizeBytes: artefact.length });
    expect(bundle.payload('payload/sc_fix1.ko').equals(module)).toBe(true);
    expect(bundle.manifest).toMatchObject({
      kernel,
      fixes: [
        {
          fixId: 'f1',
          commit: 'd'.repeat(40),
          subject: 'fcntl: check it',
          cves: ['CVE-2026-1'],
          paths: ['fs/fcntl.c'],
        },
      ],
      functions: [{ symbol: 'do_fcntl' }],
      module: 'sc_fix1',
    });
    expect((await blob(assembled.manifest)).equals(bundle.manifestBytes)).toBe(true);

    const keys = trustKeysSchema.parse(JSON.parse(await readFile(join(under.dataDir, 'trust.json'), 'utf8')));
    const jws = (await blob(signed.signature)).toString();
    const verified = await verifyBundleSignature(jws, bundle.manifestBytes, keys);
    expect(verified.keyIds).toEqual(signed.keyIds);
    await expect(verifyBundleSignature(jws, Buffer.from('{}'), keys)).rejects.toMatchObject({ code: 'bad-signature' });
    const [first] = await bundleEvents();
    expect(first?.envelope).toMatchObject({ actor: 'sign', causationId: built.envelope.id, correlationId: 'drop-1' });
  });

  it('names the commits that came along, as the series itself tells of them', async () => {
    const [first, second] = ['1', '2'].map((digit) => digit.repeat(40)) as [string, string];
    await splitDrop(under, [first, second], 'e'.repeat(40));
    await under.sign.handle(await buildFix(under, moduleBytes(), { brings: [second, first] }));
    const bundle = await openBundle(await blob((await signedBundle()).assembled.artefact));
    expect(bundle.manifest.fixes[0]?.brings).toEqual([
      { commit: first, subject: 'fcntl: prepare 11', cves: ['CVE-2026-2'] },
      { commit: second, subject: 'fcntl: prepare 22', cves: ['CVE-2026-2'] },
    ]);
  });

  it('is signed once, however often it is delivered', async () => {
    const built = await buildFix(under, moduleBytes());
    await Promise.all([under.sign.handle(built), under.sign.handle(built)]);
    await under.sign.handle(built);
    expect(await bundleEvents()).toHaveLength(2);
  });

  it('is signed in the end, wherever it was interrupted', async () => {
    const built = await buildFix(under, moduleBytes());
    // The n-th call of a port fails, n = 1, 2, … until none is left to fail: then the bundle is there, once.
    let n = 1;
    for (; ; n += 1) {
      let calls = 0;
      const restore = failing(() => (calls += 1) === n);
      const failed = await under.sign.handle(built).then(
        () => false,
        () => true,
      );
      restore();
      if (!failed) break;
    }
    // Three streams and a blob read, three blobs put, one commit.
    expect(n - 1).toBe(8);
    await under.sign.handle(built);
    const { assembled, signed } = await signedBundle();
    expect((await openBundle(await blob(assembled.artefact))).bundleId).toBe(assembled.bundleId);
    expect(signed.keyIds).toHaveLength(1);
  });
});

/** Lets calls of the stores fail before they do anything. @returns how to end that. */
function failing(now: () => boolean): () => void {
  const { events, blobs } = under;
  const spies = [
    faulty(events, 'readStream', now),
    faulty(events, 'appendToStream', now),
    faulty(blobs, 'read', now),
    faulty(blobs, 'put', now),
  ];
  return () => {
    for (const restore of spies) restore();
  };
}

function faulty(target: object, method: string, now: () => boolean): () => void {
  const original: unknown = Reflect.get(target, method);
  if (typeof original !== 'function') throw new TypeError(`${method} is no method`);
  const call = (...args: unknown[]): unknown => {
    if (now()) throw new Error('fault');
    return Reflect.apply(original, target, args);
  };
  Object.defineProperty(target, method, { value: call, configurable: true });
  return () => {
    Reflect.deleteProperty(target, method);
  };
}

const refusal = async (built: RecordedEvent): Promise<string> => {
  const error = await under.sign.handle(built).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(PoisonMessage);
  expect(await bundleEvents()).toEqual([]);
  return error instanceof Error ? error.message : '';
};

describe('a hot patch is not signed', () => {
  it('when the module was made for another kernel, or is no live patch', async () => {
    const built = await buildFix(under, moduleBytes({ vermagic: '6.1.0-56-amd64 SMP', livepatch: 'N' }));
    const message = await refusal(built);
    expect(message).toContain('module-vermagic');
    expect(message).toContain('module-no-livepatch');
  });

  it('when the module calls itself otherwise', async () => {
    expect(await refusal(await buildFix(under, moduleBytes({ name: 'other' })))).toContain('module-name');
  });

  it('when it was proposed for another kernel', async () => {
    expect(await refusal(await buildFix(under, moduleBytes(), { proposedKernel: 'k2' }))).toContain('kernel-mismatch');
  });

  it('when its size is not what was built', async () => {
    const built = await buildFix(under, moduleBytes());
    if (built.fact.type !== 'HotPatchBuilt') throw new Error('no hot patch');
    const { module } = built.fact.data;
    const data = { ...built.fact.data, module: { ...module, sizeBytes: module.sizeBytes + 1 } };
    expect(await refusal({ ...built, fact: { ...built.fact, data } })).toContain('module-mismatch');
  });

  it('when it brings a commit that its series does not have, or that nothing explains', async () => {
    const remainder = 'e'.repeat(40);
    await splitDrop(under, ['1'.repeat(40)], remainder);
    const message = await refusal(await buildFix(under, moduleBytes(), { brings: ['3'.repeat(40), remainder] }));
    expect(message.match(/brought-commit-unknown/g)).toHaveLength(2);
  });

  it('when it brings a commit of a series that nobody split', async () => {
    expect(await refusal(await buildFix(under, moduleBytes(), { brings: ['1'.repeat(40)] }))).toContain(
      'brought-commit-unknown',
    );
  });

  it('when the log does not hold it', async () => {
    const built = await buildFix(under, moduleBytes());
    if (built.fact.type !== 'HotPatchBuilt') throw new Error('no hot patch');
    const other = await under.blobs.put(moduleBytes({ name: 'sc_fix1', vermagic: kernel.vermagic.trim() }));
    const data = { ...built.fact.data, module: { name: 'sc_fix1', ...other } };
    expect(await refusal({ ...built, fact: { ...built.fact, data } })).toContain('fix-mismatch');
  });
});

describe('the public keys', () => {
  it('are served, and hold nothing private', async () => {
    const answer = await fetch(`${under.url}/v1/trust/keys`);
    expect(answer.status).toBe(200);
    const body: unknown = await answer.json();
    expect(trustKeysSchema.parse(body)).toEqual(body);
    expect(JSON.stringify(body)).not.toContain('"d"');
    expect(JSON.parse(await readFile(join(under.dataDir, 'trust.json'), 'utf8'))).toEqual(body);
    expect(under.tokens.keys()).toEqual(body);
  });
});
