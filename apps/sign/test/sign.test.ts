import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkStatement,
  decodeStatement,
  openBundle,
  predicateTypes,
  type Statement,
  statementMediaType,
} from '#libs/bundle';
import { type Digest, type Series, trustKeysSchema } from '#libs/contracts';
import { PoisonMessage, type RecordedEvent } from '#libs/eventstore';
import { openEnvelope, verifyBundleSignature } from '#libs/trust';
import { attestationsSchema } from '../src/http/attestations.controller.js';
import {
  adminToken,
  buildFix,
  kernel,
  moduleBytes,
  ownCommit,
  type SignUnderTest,
  splitDrop,
  startSign,
} from './sign.fixture.js';

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
    await splitDrop(under);
    const built = await buildFix(under, module);
    await under.sign.handle(built);

    const { assembled, signed } = await signedBundle();
    const artefact = await blob(assembled.artefact);
    const bundle = await openBundle(artefact);
    expect(bundle.bundleId).toBe(assembled.bundleId);
    expect(assembled).toMatchObject({ fixIds: ['f1'], kernelId: 'k1', sizeBytes: artefact.length });
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
    await splitDrop(under);
    const built = await buildFix(under, moduleBytes());
    await Promise.all([under.sign.handle(built), under.sign.handle(built)]);
    await under.sign.handle(built);
    expect(await bundleEvents()).toHaveLength(2);
  });

  it('is signed in the end, wherever it was interrupted', async () => {
    await splitDrop(under);
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
    // Four streams and two blobs read, three blobs put, one commit.
    expect(n - 1).toBe(10);
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

  it('when its drop was never split', async () => {
    expect(await refusal(await buildFix(under, moduleBytes()))).toContain('split-unknown');
  });

  it.each<[string, string, (commits: Series['commits']) => void]>([
    ['does not end in the drop’s tree', 'split-unproven', (all) => void (all.at(-1)!.tree = '1'.repeat(40))],
    ['does not end where the log says', 'split-unproven', (all) => void all.pop()],
    ['is no chain', 'split-unproven', (all) => void (all.at(-1)!.parent = '2'.repeat(40))],
    ['does not have it', 'commit-unknown', (all) => all.splice(0, 1)],
  ])('when the series of its drop %s', async (_what, code, edit) => {
    await splitDrop(under, [], 'e'.repeat(40), edit);
    expect(await refusal(await buildFix(under, moduleBytes()))).toContain(code);
  });

  it('when the log does not hold it', async () => {
    const built = await buildFix(under, moduleBytes());
    if (built.fact.type !== 'HotPatchBuilt') throw new Error('no hot patch');
    const other = await under.blobs.put(moduleBytes({ name: 'sc_fix1', vermagic: kernel.vermagic.trim() }));
    const data = { ...built.fact.data, module: { name: 'sc_fix1', ...other } };
    expect(await refusal({ ...built, fact: { ...built.fact, data } })).toContain('fix-mismatch');
  });
});

/** What is attested of the bundle, by kind, as an agent would find it. */
const attested = async (): Promise<Record<string, Statement['predicate']>> => {
  const { assembled } = await signedBundle();
  const keys = trustKeysSchema.parse(JSON.parse(await readFile(join(under.dataDir, 'trust.json'), 'utf8')));
  const { manifest, attestations } = await openBundle(await blob(assembled.artefact));
  const all = attestations.map(({ envelope, predicateType }) => {
    const statement = decodeStatement(openEnvelope(envelope, statementMediaType, keys).payload);
    checkStatement(statement, predicateType, manifest);
    return [predicateType, statement.predicate] as const;
  });
  return Object.fromEntries(all);
};

const sha256 = (digit: string): object => ({ sha256: digit.repeat(64) });

describe('what is attested', () => {
  it('of a commit of a drop: from what and how it was built, out of which step, and each function', async () => {
    const brought = '1'.repeat(40);
    await splitDrop(under, [brought]);
    const built = await buildFix(under, moduleBytes(), { brings: [brought] });
    await under.sign.handle(built);
    const all = await attested();
    expect(all[predicateTypes.provenance]).toEqual({
      buildDefinition: {
        buildType: 'splicecast:hot-patch/v1',
        externalParameters: { kernel, fixIds: ['f1'] },
        internalParameters: { compiler: 'gcc-12', runPre: { matched: 1, checked: 1 } },
        resolvedDependencies: [
          { name: 'source', digest: { gitTree: 'c'.repeat(40) } },
          { name: 'patch/f1', digest: sha256('5') },
          { name: 'commit/f1', digest: { gitCommit: ownCommit } },
          { name: 'commit/f1', digest: { gitCommit: brought } },
          { name: 'linux-image.deb', digest: sha256('6') },
          { name: 'linux-headers.deb', digest: sha256('7') },
          { name: 'config', digest: sha256('1') },
          { name: 'Module.symvers', digest: sha256('2') },
        ],
      },
      runDetails: {
        builder: { id: 'splicecast:builder' },
        metadata: {
          invocationId: built.envelope.id,
          startedOn: new Date(Date.parse(built.envelope.at) - 1).toISOString(),
          finishedOn: built.envelope.at,
        },
        byproducts: [
          { name: 'original/fs/fcntl.o', digest: sha256('8') },
          { name: 'patched/fs/fcntl.o', digest: sha256('9') },
        ],
      },
    });
    const tree = { gitTree: 'c'.repeat(40) };
    expect(all[predicateTypes.recomposition]).toMatchObject({
      steps: [
        {
          dropId: 'd1',
          from: tree,
          to: tree,
          replayed: tree,
          head: { gitCommit: 'e'.repeat(40) },
          commits: 3,
          taken: [
            { fixId: 'f1', commit: brought, kind: 'attributed', brought: true },
            { fixId: 'f1', commit: ownCommit, kind: 'attributed' },
          ],
        },
      ],
    });
    expect(all[predicateTypes.objectDiff]).toMatchObject({
      kernel: { release: kernel.release, buildId: kernel.buildId },
      functions: [{ symbol: 'do_fcntl', objectFile: 'fs/fcntl.o', old: sha256('a'), new: sha256('b') }],
    });
  });

  it('is shown to operators, whole and as it was signed', async () => {
    await under.sign.handle(await buildFix(under, moduleBytes(), { ownPatch: true }));
    const { assembled } = await signedBundle();
    const ask = (id: string, token: string): Promise<Response> =>
      fetch(`${under.url}/v1/bundles/${id}/attestations`, { headers: { authorization: `Bearer ${token}` } });
    const answer = await ask(assembled.bundleId, adminToken);
    const body: unknown = await answer.json();
    const { attestations } = attestationsSchema.parse(body);
    expect({ schema: 1, bundleId: assembled.bundleId, attestations }).toEqual(body);
    const opened = await openBundle(await blob(assembled.artefact));
    expect(attestations).toMatchObject(
      opened.attestations.map(({ path, envelope }) => ({
        path,
        envelope: envelope.toString('base64'),
        statement: { subject: [{ name: 'payload/sc_fix1.ko' }] },
        keyIds: [expect.stringMatching(/^bundle-/)],
      })),
    );
    expect((await ask('unknown', adminToken)).status).toBe(404);
    expect((await ask(assembled.bundleId, 'nobody')).status).toBe(401);
  });

  it('of anyone’s own patch: nothing of a split', async () => {
    await under.sign.handle(await buildFix(under, moduleBytes(), { ownPatch: true }));
    expect(Object.keys(await attested()).sort()).toEqual([predicateTypes.provenance, predicateTypes.objectDiff]);
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
