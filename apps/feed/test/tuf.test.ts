import { get } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { fact, type MetadataFile } from '#libs/contracts';
import type { StreamName } from '#libs/eventstore';
import {
  Ed25519Signer,
  HttpFetcher,
  initialise,
  makeRoot,
  makeTopTargets,
  MemoryFiles,
  MemoryStore,
  Repository,
  standardPolicy,
  update,
} from '#libs/tuf';
import { FeedUnderTest, problemOf, sha256 } from './feed.fixture.js';
import { TestMachine } from './machine.fixture.js';

const channel = 'debian-x86_64';
const release = '6.1.0-54-amd64';
const stream: StreamName = 'metadata.tuf';

const keys = (count: number) => Array.from({ length: count }, () => Ed25519Signer.generate());
const pathOf = (bytes: Buffer, bundleId = 'b1', of = `${channel}/${release}`) =>
  `/tuf/targets/${of}/${sha256(bytes)}.${bundleId}.tar.gz`;

/** sign's part, with real keys: what it writes becomes blobs, and an event that names them. */
class TestRepository {
  private readonly files = new MemoryFiles();
  private readonly known = new Set<string>();
  root: Buffer = Buffer.alloc(0);
  private repository: Repository | undefined;

  constructor(private readonly under: FeedUnderTest) {}

  async begin(): Promise<void> {
    const [root, targets] = [keys(5), keys(3)];
    const online = { channel: keys(2), release: keys(2), recall: keys(2), snapshot: keys(1), timestamp: keys(1) };
    const now = Date.now();
    this.root = await makeRoot(1, { ...online, root, targets }, root.slice(0, 3), standardPolicy, now);
    this.repository = await Repository.open(this.files, online, standardPolicy);
    await this.repository.publishRoot(this.root, now);
    const top = await makeTopTargets(undefined, [channel], online, targets.slice(1), standardPolicy, now);
    await this.repository.publishTopTargets(top, now);
    await this.publish();
  }

  async vouch(bundleId: string, artefact: Buffer): Promise<void> {
    const target = { name: `${bundleId}.tar.gz`, length: artefact.length, sha256: sha256(artefact) };
    await this.repository?.addBundles(channel, release, [target], Date.now());
    await this.publish({ bundleIds: [bundleId] });
  }

  async recall(bundleId: string, list: Buffer): Promise<void> {
    const ref = await this.under.blobs.put(list);
    const target = { name: 'recalls.json', length: list.length, sha256: ref.digest };
    await this.repository?.setNotice('recall', [target], Date.now());
    await this.publish({ recalls: ref, recalledIds: [bundleId] });
  }

  private async publish(extra: object = {}): Promise<void> {
    const files: MetadataFile[] = [];
    for (const [name, bytes] of this.files.files) {
      const key = `${name} ${sha256(bytes)}`;
      if (this.known.has(key)) continue;
      this.known.add(key);
      files.push({ name, ...(await this.under.blobs.put(bytes)) });
    }
    const expiresAt = new Date(Date.now() + 1000).toISOString();
    const published = fact('MetadataPublished', { timestamp: 1, snapshot: 1, expiresAt, files, ...extra });
    await this.under.feed.metadataPublished(await this.under.record(stream, published));
    await this.under.settled();
  }
}

let under: FeedUnderTest;
let repository: TestRepository;
let machine: TestMachine;
beforeEach(async () => {
  under = new FeedUnderTest();
  await under.start();
  repository = new TestRepository(under);
  await repository.begin();
  machine = new TestMachine(under);
  await machine.enrol(await under.license('lic-1'));
});
afterEach(async () => under.stop());

const fetched = (path: string, headers: Record<string, string> = {}) => fetch(under.url + path, { headers });

/** As it came over the wire: `fetch` unpacks. */
function raw(
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; encoding: string; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    get(under.url + path, { headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          encoding: response.headers['content-encoding'] ?? 'identity',
          bytes: Buffer.concat(chunks),
        }),
      );
    }).on('error', reject);
  });
}

async function asClient() {
  const store = new MemoryStore();
  await initialise(store, repository.root);
  const targets = new HttpFetcher(`${under.url}/tuf/targets/`);
  return update({ store, metadata: new HttpFetcher(`${under.url}/tuf/metadata/`), targets }, Date.now());
}

describe('the signed metadata', () => {
  it('is read by a client of its specification, down to the bundle', async () => {
    const artefact = await under.bundle('b1', 'stable');
    await repository.vouch('b1', artefact);
    const found = await (await asClient()).find(`${channel}/${release}/b1.tar.gz`);
    expect(found.length).toBe(artefact.length);
    expect(found.hashes.get('sha256')).toBe(sha256(artefact));
  });

  it('is kept by caches for ever where it never changes, and asked for again where it does', async () => {
    const root = await fetched('/tuf/metadata/1.root.json');
    expect(Buffer.from(await root.arrayBuffer()).equals(repository.root)).toBe(true);
    expect(root.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    const stamp = await fetched('/tuf/metadata/timestamp.json');
    expect(stamp.headers.get('cache-control')).toBe('public, no-cache');
    const known = await fetched('/tuf/metadata/timestamp.json', { 'if-none-match': stamp.headers.get('etag') ?? '' });
    expect(known.status).toBe(304);
  });

  it('travels packed where that is wanted, under a tag of its own', async () => {
    const path = '/tuf/metadata/1.targets.json';
    const packed = await raw(path, { 'accept-encoding': 'br, gzip;q=0.5' });
    expect(packed.encoding).toBe('gzip');
    for (const coding of ['identity', 'gzip;q=0', 'br']) {
      const plain = await raw(path, { 'accept-encoding': coding });
      expect(plain.encoding).toBe('identity');
      expect(gunzipSync(packed.bytes).equals(plain.bytes)).toBe(true);
    }
    const tags = await Promise.all(
      ['gzip', 'identity'].map(async (coding) =>
        (await fetched(path, { 'accept-encoding': coding })).headers.get('etag'),
      ),
    );
    expect(new Set(tags).size).toBe(2);
  });

  it('has names in which a slash stays encoded, and no others', async () => {
    await repository.vouch('b1', await under.bundle('b1', 'stable'));
    expect((await fetched(`/tuf/metadata/1.${channel}%2F${release}.json`)).status).toBe(200);
    for (const name of [
      `1.${channel}/${release}.json`,
      `1.${channel}%252F${release}.json`,
      `1.${channel}%2f${release}.json`,
      '..%2F..%2Fkeys%2Flease-1.pem',
      '..%2Ftrust.json',
      '__proto__',
      'constructor.json',
      `${'a'.repeat(400)}.json`,
    ]) {
      expect((await raw(`/tuf/metadata/${name}`, {})).status).toBe(404);
    }
  });

  it('has no root yet that a cache would remember as missing', async () => {
    const next = await fetched('/tuf/metadata/2.root.json');
    expect(next.status).toBe(404);
    expect(next.headers.get('cache-control')).toBe('no-store');
  });

  it('no longer has what was pruned, but for a newer file of that name', async () => {
    const file = async (name: string) => {
      const bytes = Buffer.from(await (await fetched(`/tuf/metadata/${name}`)).arrayBuffer());
      return { name, digest: sha256(bytes) };
    };
    const files = [await file('1.snapshot.json'), { name: 'timestamp.json', digest: 'ab'.repeat(32) }];
    await under.record(stream, fact('MetadataPruned', { files }));
    await under.settled();
    expect((await fetched('/tuf/metadata/1.snapshot.json')).status).toBe(404);
    expect((await fetched('/tuf/metadata/timestamp.json')).status).toBe(200);
  });
});

describe('a target', () => {
  it('is had by who may have the bundle, whole or in ranges', async () => {
    const artefact = await under.bundle('b1', 'stable');
    const whole = await machine.send('GET', pathOf(artefact));
    expect(Buffer.from(await whole.arrayBuffer()).equals(artefact)).toBe(true);
    const part = await machine.send('GET', pathOf(artefact), { headers: { range: 'bytes=5-9' } });
    expect(part.status).toBe(206);
    expect(await part.text()).toBe(artefact.subarray(5, 10).toString());
    expect((await machine.send('HEAD', pathOf(artefact))).headers.get('content-length')).toBe(String(artefact.length));
  });

  it('is refused to everybody else, as at its other path', async () => {
    const artefact = await under.bundle('b1', 'stable');
    expect(await problemOf(await fetched(pathOf(artefact)))).toBe('401 proof-missing');
    const stranger = new TestMachine(under);
    expect((await stranger.send('GET', pathOf(artefact))).status).toBe(403);
    const canary = await under.bundle('b2', 'canary');
    expect(await problemOf(await machine.send('GET', pathOf(canary, 'b2')))).toBe('403 not-entitled');
    await under.recall('b1');
    expect(await problemOf(await machine.send('GET', pathOf(artefact)))).toBe('410 bundle-recalled');
  });

  it('is at its own path alone', async () => {
    const artefact = await under.bundle('b1', 'stable');
    for (const path of [
      pathOf(Buffer.from('other')),
      pathOf(artefact, 'b1', `ubuntu-x86_64/${release}`),
      pathOf(artefact, 'b1', `${channel}/6.1.0-55-amd64`),
      `/tuf/targets/${channel}/${release}/b1.tar.gz`,
    ]) {
      expect((await machine.send('GET', path)).status).toBe(404);
    }
  });

  it('that lists the recalls is everybody’s', async () => {
    const list = Buffer.from('{"schema":1,"recalls":[]}');
    await repository.recall('b1', list);
    const bytes = await (await asClient()).download('recall/recalls.json');
    expect(bytes.equals(list)).toBe(true);
    expect((await fetched(`/tuf/targets/recall/${'0'.repeat(64)}.recalls.json`)).status).toBe(404);
  });
});

describe('machines', () => {
  it('are offered what the metadata vouches for, and told once more when it does', async () => {
    const artefact = await under.bundle('b1', 'stable');
    expect(await machine.offered()).toEqual([]);
    const before = under.hints.published.length;
    await repository.vouch('b1', artefact);
    expect(await machine.offered()).toEqual(['b1']);
    const hints = under.hints.published.slice(before).map(({ hint }) => `${hint.action} ${hint.bundleId}`);
    expect(hints).toEqual(['published b1', 'published b1', 'published b1']);
    await under.recall('b1');
    await repository.recall('b1', Buffer.from('{}'));
    expect(await machine.offered()).toEqual(['b1 recalled']);
  });
});
