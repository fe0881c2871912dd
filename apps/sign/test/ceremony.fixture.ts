import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, trustKeysSchema } from '#libs/contracts';
import {
  addSignature,
  type Allowance,
  Ed25519Signer,
  Fetcher,
  initialise,
  MemoryStore,
  publicHalf,
  type Update,
  update,
} from '#libs/tuf';
import { MetadataIndex } from '../src/domain/metadata-index.js';
import { onlineKeysSchema } from '../src/http/metadata.controller.js';
import { adminToken, type SignUnderTest } from './sign.fixture.js';

/** What the log says is published. */
export async function published({ events }: SignUnderTest): Promise<MetadataIndex> {
  const index = new MetadataIndex();
  for (const event of (await events.readStream('metadata.tuf')).events) index.apply(event);
  return index;
}

/** Serves what the log says is published, as the feed does. */
export class LogFetcher extends Fetcher {
  constructor(private readonly under: SignUnderTest) {
    super();
  }

  override async fetch(name: string, { maxBytes }: Allowance): Promise<Buffer | undefined> {
    const { blobs } = this.under;
    const recalls = /^recall\/([0-9a-f]{64})\.recalls\.json$/.exec(name)?.[1];
    const digest = recalls ?? (await published(this.under)).file(name)?.digest;
    if (digest === undefined || (await blobs.stat(digest)) === undefined) return undefined;
    return blobs.read(digest, maxBytes);
  }
}

/** A machine that pinned the first root, and keeps what it has seen: versions that fall back would be refused. */
export class SeenBefore {
  readonly store = new MemoryStore();

  async update(under: SignUnderTest, fetcher: Fetcher = new LogFetcher(under)): Promise<Update> {
    const { root } = trustKeysSchema.parse(JSON.parse(await readFile(join(under.dataDir, 'trust.json'), 'utf8')));
    const pinned = await readFile(join(under.dataDir, 'root.json'));
    if (root?.sha256 !== digestOf(pinned) || root.length !== pinned.length) throw new Error('another root is pinned');
    await initialise(this.store, pinned);
    return update({ store: this.store, metadata: fetcher, targets: fetcher }, under.clock.now().getTime());
  }
}

/** Holders' keys. */
export function keys(count: number): Ed25519Signer[] {
  return Array.from({ length: count }, () => new Ed25519Signer(generateKeyPairSync('ed25519').privateKey));
}

/** A draft that has been to each of these holders. */
export async function signed(draft: Buffer, signers: readonly Ed25519Signer[]): Promise<Buffer> {
  let file = draft;
  for (const signer of signers) file = await addSignature(file, signer);
  return file;
}

export async function admin(under: SignUnderTest, method: string, path: string, body?: object) {
  const response = await fetch(under.url + path, {
    method,
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Hands files of a ceremony to the service. @returns `accepted`, or the code with which clients would refuse them. */
export async function handIn(under: SignUnderTest, ...files: Buffer[]): Promise<unknown> {
  const wish = { files: files.map((one) => one.toString('base64')) };
  const { status, body } = await admin(under, 'POST', '/v1/tuf/metadata', wish);
  return status === 200 ? 'accepted' : body['code'];
}

/** The public halves of the service's keys. */
export async function onlineKeys(under: SignUnderTest) {
  const { body } = await admin(under, 'GET', '/v1/tuf/online-keys');
  const { keys: given } = onlineKeysSchema.parse(body);
  const of = (name: keyof typeof given) => given[name].map(publicHalf);
  return { channel: of('channel'), recall: of('recall'), snapshot: of('snapshot'), timestamp: of('timestamp') };
}
