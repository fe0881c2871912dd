import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordedEvent } from '#libs/eventstore';
import { forge } from '#libs/hostile';
import {
  type Allowance,
  delegatesOf,
  draftRoot,
  draftTopTargets,
  Ed25519Signer,
  Fetcher,
  parseEnvelope,
  standardPolicy,
  TufError,
} from '#libs/tuf';
import { Metadata } from '../src/metadata/metadata.js';
import { handIn, keys, LogFetcher, onlineKeys, published, SeenBefore, signed } from './ceremony.fixture.js';
import { buildFix, moduleBytes, type SignUnderTest, startSign } from './sign.fixture.js';

const role = 'debian-x86_64/6.1.0-54-amd64';

let under: SignUnderTest;
let seen: SeenBefore;
beforeEach(async () => {
  under = await startSign();
  seen = new SeenBefore();
});
afterEach(async () => under.stop());

const nowMs = () => under.clock.now().getTime();
const codeOf = (act: Promise<unknown>) =>
  act.then(
    () => 'none',
    (error: unknown) => (error instanceof TufError ? error.code : String(error)),
  );

/** Signs a bundle and publishes it; the machine that was there from the beginning is told of it. */
async function publishNext(moduleName: string): Promise<void> {
  await under.sign.handle(await buildFix(under, moduleBytes({ name: moduleName }), { moduleName, ownPatch: true }));
  let last: RecordedEvent | undefined;
  const end = await under.events.lastPosition();
  await new Promise<void>((resolve) => {
    under.events.subscribe({ from: 1 }, async ({ events, position }) => {
      for (const event of events) if (event.fact.type === 'BundleSigned') last = event;
      if (position === end) resolve();
    });
  });
  if (last?.fact.type !== 'BundleSigned') throw new Error('nothing was signed');
  await under.get(Metadata).signed(last);
  await (await seen.update(under)).find(`${role}/${last.fact.data.bundleId}.tar.gz`);
}

async function restart(): Promise<void> {
  await under.crash();
  under = await startSign(under);
}

async function keyFile(folder: string, name: string): Promise<Ed25519Signer> {
  return new Ed25519Signer(createPrivateKey(await readFile(join(under.dataDir, folder, `${name}.pem`))));
}

async function newest(name: 'root' | 'targets'): Promise<Buffer> {
  const file = (await published(under)).newest(name);
  return under.blobs.read(file?.digest ?? '');
}

const without = <T extends { readonly keyId: string }>(all: readonly T[], gone: Ed25519Signer): T[] =>
  all.filter(({ keyId }) => keyId !== gone.keyId);

/** A mirror on which a file is another one. */
class Replaced extends Fetcher {
  constructor(
    private readonly name: string,
    private readonly bytes: Buffer,
  ) {
    super();
  }

  override async fetch(name: string, allowance: Allowance): Promise<Buffer | undefined> {
    return name === this.name ? this.bytes : new LogFetcher(under).fetch(name, allowance);
  }
}

it('a ceremony on the service\u2019s own machine is handed over to holders, and machines follow with what they pinned', async () => {
  await publishNext('sc_one');
  const [root, targets] = [keys(5), keys(3)];
  const local = await Promise.all(['root-1', 'root-2', 'root-3'].map((name) => keyFile('ceremony/keys', name)));
  const service = await onlineKeys(under);
  const nextRoot = draftRoot(await newest('root'), { ...service, root, targets }, standardPolicy, nowMs());
  const { channels } = delegatesOf(await newest('targets'));
  const nextTargets = draftTopTargets(await newest('targets'), channels, service, standardPolicy, nowMs());
  // The old holders alone can\u2019t name new ones who don\u2019t know of it, nor the new ones themselves.
  expect(await handIn(under, await signed(nextRoot, local))).toBe('metadata-threshold-not-met');
  expect(await handIn(under, await signed(nextRoot, root.slice(2)))).toBe('metadata-threshold-not-met');
  const handedOver = [
    await signed(nextRoot, [...local, ...root.slice(2)]),
    await signed(nextTargets, targets.slice(1)),
  ];
  expect(await handIn(under, ...handedOver)).toBe('accepted');
  await rm(join(under.dataDir, 'ceremony', 'keys'), { recursive: true });
  await restart();
  await publishNext('sc_two');
  expect((await seen.update(under)).trusted.root.version).toBe(2);

  // What was made on the service\u2019s machine signs nothing any more.
  const stale = draftRoot(handedOver[0], { ...service, root: keys(5), targets }, standardPolicy, nowMs());
  expect(await handIn(under, await signed(stale, [...local, ...keys(3)]))).toBe('metadata-threshold-not-met');
});

it('a stolen online key is taken away: new keys sign, machines go on, and what the thief signs is refused', async () => {
  await publishNext('sc_one');
  const stolen = await keyFile('metadata-keys', 'timestamp-1');
  const folder = join(under.dataDir, 'metadata-keys');
  const stolenChannel = await keyFile('metadata-keys', 'channel-1');
  // The thief pushes the version up, so that what is true looks old.
  const timestamp = (await published(under)).newest('timestamp');
  const genuine = await under.blobs.read(timestamp?.digest ?? '');
  const pushed = await forge(genuine, [stolen], (it) => void (it.version += 1_000));
  await seen.update(under, new Replaced('timestamp.json', pushed));
  expect(await codeOf(seen.update(under))).toBe('rollback');

  // New keys beside the stolen ones; root and targets name only the new.
  for (const name of ['timestamp-2', 'channel-3']) {
    const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
    await writeFile(join(folder, `${name}.pem`), pem, { mode: 0o600 });
  }
  await restart();
  const service = await onlineKeys(under);
  const left = {
    ...service,
    timestamp: without(service.timestamp, stolen),
    channel: without(service.channel, stolenChannel),
  };
  const rootHolders = await Promise.all([1, 2, 3, 4, 5].map((n) => keyFile('ceremony/keys', `root-${n}`)));
  const targetsHolders = await Promise.all([1, 2, 3].map((n) => keyFile('ceremony/keys', `targets-${n}`)));
  const holders = { ...left, root: rootHolders, targets: targetsHolders };
  const nextRoot = draftRoot(await newest('root'), holders, standardPolicy, nowMs());
  const { channels } = delegatesOf(await newest('targets'));
  const nextTargets = draftTopTargets(await newest('targets'), channels, left, standardPolicy, nowMs());
  const files = [
    await signed(nextRoot, rootHolders.slice(0, 3)),
    await signed(nextTargets, targetsHolders.slice(0, 2)),
  ];
  expect(await handIn(under, ...files)).toBe('accepted');
  for (const name of ['timestamp-1', 'channel-1']) await rm(join(folder, `${name}.pem`));
  await restart();
  await publishNext('sc_two');
  const { version } = parseEnvelope(
    'timestamp',
    await under.blobs.read((await published(under)).newest('timestamp')?.digest ?? ''),
  ).role;
  expect(version).toBeLessThan(1_000);

  expect(await codeOf(seen.update(under, new Replaced('timestamp.json', pushed)))).toBe('threshold-not-met');
});
