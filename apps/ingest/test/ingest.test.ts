import { request } from 'node:http';
import { MemoryBlobStore } from '#libs/blobs';
import { digestOf } from '#libs/contracts';
import { changelogSchema } from '#libs/patchsplit';
import { Ingest } from '../src/ingest.js';
import { IngestUnderTest, token } from './ingest.fixture.js';

let under: IngestUnderTest;
beforeEach(async () => {
  under = new IngestUnderTest();
  await under.start();
});
afterEach(() => under.stop());

const files = { Makefile: 'VERSION = 6\n', 'fs/pipe.c': 'int pipe;\n' };
const changelog = `linux (6.1.190-1) bookworm-security; urgency=high

  * New upstream stable update:
    - fs/pipe: fix a leak (CVE-2026-1234)

 -- A Maintainer <a@example.org>  Mon, 16 Nov 2026 11:17:40 +0100
`;

interface ProblemBody {
  readonly code: string;
  readonly errors?: readonly { readonly pointer: string }[];
}
const problemOf = async (response: Response): Promise<[number, string, string[]]> => {
  const body = (await response.json()) as ProblemBody;
  return [response.status, body.code, (body.errors ?? []).map(({ pointer }) => pointer)];
};

describe('an upload', () => {
  it('is stored under its digest, whatever its size', async () => {
    const bytes = Buffer.alloc(5_000_000, 'splice');
    const response = await under.upload(bytes, { 'x-content-sha256': digestOf(bytes) });
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ digest: digestOf(bytes), sizeBytes: bytes.length });
    expect(await under.blobs.stat(digestOf(bytes))).toBeDefined();
  });

  it('is refused without the token, as another type, with another digest than it says', async () => {
    const bytes = Buffer.from('abc');
    expect(await problemOf(await under.upload(bytes, { authorization: 'Bearer nobody' }))).toEqual([
      401,
      'unauthorized',
      [],
    ]);
    expect(await problemOf(await under.upload(bytes, { 'content-type': 'application/json' }))).toEqual([
      400,
      'malformed-body',
      [],
    ]);
    expect(await problemOf(await under.post('/v1/blobs', {}))).toEqual([415, 'unsupported-media-type', []]);
    const wrong = await under.upload(bytes, { 'x-content-sha256': digestOf('other') });
    expect(await problemOf(wrong)).toEqual([422, 'digest-mismatch', []]);
    expect(await problemOf(await under.upload(bytes, { 'x-content-sha256': 'x' }))).toEqual([
      422,
      'invalid-request',
      ['/x-content-sha256'],
    ]);
    expect(await under.blobs.stat(digestOf(bytes))).toBeUndefined();
  });

  it('that claims too many bytes is refused before they come', async () => {
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': 'application/octet-stream',
        'content-length': String(5 * 2 ** 30),
      };
      const sent = request(`${under.url}/v1/blobs`, { method: 'POST', headers }, (response) => {
        resolve(response.statusCode);
        sent.destroy();
      });
      sent.on('error', reject);
      sent.flushHeaders();
    });
    expect(answer).toBe(413);
  });
});

describe('a drop', () => {
  it('that is a linux-source package becomes a tree and a changelog', async () => {
    const dropId = await under.handIn(under.deb(files, changelog), 'linux-source.deb');
    const outcome = await under.outcomeOf(dropId);
    expect(outcome).toMatchObject({
      type: 'SourceDropUnpacked',
      data: { dropId, format: 'linux-source-deb', version: '6.1.190-1', files: 2, bytes: 22 },
    });
    if (outcome.type !== 'SourceDropUnpacked') throw new Error('not unpacked');
    expect((await under.trees.readFile(outcome.data.tree, 'fs/pipe.c'))?.toString()).toBe('int pipe;\n');
    const parsed = changelogSchema.parse(JSON.parse((await under.blobs.read(outcome.data.changelog ?? '')).toString()));
    expect(parsed.entries[0]).toMatchObject({ version: '6.1.190-1', items: [{ cves: ['CVE-2026-1234'] }] });
  });

  it('that is a tar takes its version from its folder, and is unpacked once however often it is handed in', async () => {
    const tar = under.tar(files);
    const dropId = await under.handIn(tar, 'source.tar.gz');
    const outcome = await under.outcomeOf(dropId);
    expect(outcome).toMatchObject({ type: 'SourceDropUnpacked', data: { format: 'tar', version: '6.1.190' } });
    expect(await under.handIn(tar, 'source.tar.gz')).toBe(dropId);
    expect(await under.factsOf(dropId)).toHaveLength(2);
  });

  it('delivered twice is recorded once', async () => {
    const dropId = await under.handIn(under.tar(files), 'source.tar.gz');
    await under.outcomeOf(dropId);
    const { events } = await under.events.readStream(`drop.${dropId}`);
    const [received] = events;
    if (!received) throw new Error('nothing was received');
    const again = new Ingest(under.events, under.blobs, under.trees, { now: () => new Date() });
    await again.handle(received);
    expect(await under.factsOf(dropId)).toHaveLength(2);
  });

  it('that is hostile or broken is rejected with the reason, and may be handed in again', async () => {
    const hostile = under.tar(files, ['--transform=s,fs/pipe.c,../../evil.c,', '-cPzf']);
    const cases: [Buffer, string][] = [
      [hostile, 'unsafe-path'],
      [under.deb(files, changelog).subarray(0, 700), 'truncated'],
      [Buffer.from('not an archive at all, only words'), 'not-an-archive'],
    ];
    for (const [archive, code] of cases) {
      const dropId = await under.handIn(archive, 'linux.bin');
      const rejected = {
        type: 'SourceDropRejected',
        data: { dropId, reasons: [expect.objectContaining({ code, object: 'linux.bin' })] },
      };
      expect(await under.outcomeOf(dropId)).toEqual(rejected);
      await under.handIn(archive, 'linux.bin');
      expect(await under.outcomeOf(dropId, 3)).toEqual(rejected);
    }
    expect(await under.events.deadLetters()).toEqual([]);
  });

  it('with a changelog that says nothing is unpacked without one', async () => {
    const dropId = await under.handIn(under.deb(files, 'gibberish\n'), 'linux-source.deb');
    const outcome = await under.outcomeOf(dropId);
    expect(outcome.type).toBe('SourceDropUnpacked');
    expect(outcome.data).not.toHaveProperty('changelog');
  });

  it('is refused, each wrong field named', async () => {
    const tar = under.tar(files);
    const dropId = await under.handIn(tar, 'source.tar.gz');
    const good = { product: 'test-linux', fileName: 'x.tar', archive: digestOf(tar) };
    const ask = async (body: object) => problemOf(await under.post('/v1/drops', body));
    expect(await ask({})).toEqual([422, 'invalid-request', ['/product', '/fileName', '/archive']]);
    expect(await ask({ ...good, fileName: '../x' })).toEqual([422, 'invalid-request', ['/fileName']]);
    expect(await ask({ ...good, archive: digestOf('never uploaded'), base: 'nobody' })).toEqual([
      422,
      'invalid-request',
      ['/archive', '/base'],
    ]);
    expect(await ask({ ...good, base: dropId })).toEqual([422, 'own-base', ['/base']]);
    const other = await under.handIn(under.tar({ Makefile: 'x\n' }), 'other.tar.gz');
    expect(await ask({ ...good, base: other })).toEqual([409, 'other-base', ['/base']]);
    expect(await ask({ ...good, product: 'other-linux', base: other })).toEqual([422, 'invalid-request', ['/base']]);
  });
});

it('a full disk makes a drop wait, not fail', async () => {
  const deb = under.deb(files, changelog);
  const full = new MemoryBlobStore(deb.length);
  const { digest } = await full.put(deb);
  const dropId = 'drop-1';
  const data = { dropId, product: 'p', fileName: 'x.deb', archive: digest, sizeBytes: deb.length };
  const context = { actor: 'test', commandId: 'c', correlationId: dropId };
  // A log that no worker works on.
  const alone = new IngestUnderTest(full);
  try {
    await alone.events.appendToStream(`drop.${dropId}`, 0, [{ type: 'SourceDropReceived', data }], context);
    const [received] = (await alone.events.readStream(`drop.${dropId}`)).events;
    if (!received) throw new Error('nothing was received');
    const ingest = new Ingest(alone.events, full, alone.trees, { now: () => new Date() });
    await expect(ingest.handle(received)).rejects.toMatchObject({ name: 'RetryLater' });
    expect(await alone.factsOf(dropId)).toHaveLength(1);
  } finally {
    await alone.stop();
  }
});
