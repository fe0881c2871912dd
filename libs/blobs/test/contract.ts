import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type Digest, digestOf } from '#libs/contracts';
import type { BlobStore } from '../src/port.js';

/** A store under test, and what a bad disk does to it. */
export interface Harness {
  readonly store: BlobStore;
  /** Changes a byte of a blob behind the store's back. */
  damage(digest: Digest): Promise<void>;
  /** A store that is full after about 200 kB; undefined where this machine can't make one. */
  full(): Promise<BlobStore | undefined>;
  /** How many files or parts lie about that are no blob. */
  leftovers(): Promise<number>;
  close(): Promise<void>;
}

const absent = digestOf('absent');

/** A stream of `count` chunks, made as it is read. */
function chunks(count: number, sizeBytes: number, failAfter = count): Readable {
  return Readable.from(
    (function* () {
      for (let n = 0; n < count; n += 1) {
        if (n === failAfter) throw new Error('the sender is gone');
        yield Buffer.alloc(sizeBytes, n);
      }
    })(),
  );
}

/** What every BlobStore promises. */
export function blobContract(start: () => Promise<Harness>): void {
  let harness: Harness;
  let store: BlobStore;
  beforeEach(async () => {
    harness = await start();
    ({ store } = harness);
  });
  afterEach(async () => {
    expect(await harness.leftovers()).toBe(0);
    await harness.close();
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a line', Buffer.from('a line\n')],
    ['a megabyte', randomBytes(1_000_003)],
  ])('%s is found under its digest, given as bytes or as a stream', async (_what, bytes) => {
    const digest = digestOf(bytes);
    const ref = { digest, sizeBytes: bytes.byteLength };
    expect(await store.put(bytes)).toEqual(ref);
    expect(await store.put(Readable.from([bytes.subarray(0, 10), bytes.subarray(10)]))).toEqual(ref);
    expect(await store.stat(digest)).toEqual(ref);
    expect((await store.read(digest)).equals(bytes)).toBe(true);
    expect((await buffer(await store.open(digest))).equals(bytes)).toBe(true);
    expect((await readFile(await store.localPath(digest))).equals(bytes)).toBe(true);
  });

  test('a stream is stored as it comes', async () => {
    const { digest, sizeBytes } = await store.put(chunks(500, 10_000));
    expect(sizeBytes).toBe(5_000_000);
    expect((await store.read(digest)).readUInt8(4_999_999)).toBe(499 % 256);
  });

  test('the same bytes at the same time are one blob', async () => {
    const puts = Array.from({ length: 20 }, (_, n) =>
      store.put(
        n % 2 === 0 ? chunks(50, 1_000) : Buffer.concat(Array.from({ length: 50 }, (_u, m) => Buffer.alloc(1_000, m))),
      ),
    );
    const digests = (await Promise.all(puts)).map(({ digest }) => digest);
    expect(new Set(digests).size).toBe(1);
    expect((await store.read(digests[0] ?? absent)).byteLength).toBe(50_000);
  });

  test.each([
    [0, 0],
    [0, 9],
    [3, 5],
    [9, 9],
  ])('a range %i-%i is inclusive', async (start, end) => {
    const { digest } = await store.put(Buffer.from('0123456789'));
    expect((await buffer(await store.open(digest, { start, end }))).toString()).toBe(
      '0123456789'.slice(start, end + 1),
    );
  });

  test.each([
    [-1, 3],
    [5, 4],
    [0, 10],
    [10, 10],
    [0.5, 2],
    [0, Number.NaN],
  ])('a range %d-%d is refused', async (start, end) => {
    const { digest } = await store.put(Buffer.from('0123456789'));
    await expect(store.open(digest, { start, end })).rejects.toMatchObject({ code: 'bad-range' });
  });

  test.each([absent, '../../etc/passwd', '', 'A'.repeat(64)])('%p is not there', async (digest) => {
    expect(await store.stat(digest)).toBeUndefined();
    await expect(store.open(digest)).rejects.toMatchObject({ code: 'blob-not-found' });
    await expect(store.read(digest)).rejects.toMatchObject({ code: 'blob-not-found' });
    await expect(store.localPath(digest)).rejects.toMatchObject({ code: 'blob-not-found' });
  });

  test('more than it may be is refused while it comes, and leaves nothing', async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1_000);
      })(),
    );
    await expect(store.put(endless, { maxBytes: 10_000 })).rejects.toMatchObject({ code: 'blob-too-large' });
    await expect(store.put(Buffer.alloc(10_001), { maxBytes: 10_000 })).rejects.toMatchObject({
      code: 'blob-too-large',
    });
    expect((await store.put(Buffer.alloc(10_000), { maxBytes: 10_000 })).sizeBytes).toBe(10_000);
    expect(await store.stat(digestOf(Buffer.alloc(10_001)))).toBeUndefined();
  });

  test('bytes that are not what was announced are refused, and leave nothing', async () => {
    const bytes = Buffer.from('other');
    for (const given of [bytes, Readable.from([bytes])]) {
      await expect(store.put(given, { expected: absent })).rejects.toMatchObject({ code: 'digest-mismatch' });
    }
    expect(await store.stat(digestOf(bytes))).toBeUndefined();
    expect((await store.put(bytes, { expected: digestOf(bytes) })).digest).toBe(digestOf(bytes));
  });

  test('a sender that breaks off leaves nothing', async () => {
    await expect(store.put(chunks(10, 1_000, 5))).rejects.toThrow('the sender is gone');
    await expect(store.put(Readable.from([{ no: 'bytes' }]))).rejects.toThrow(TypeError);
  });

  test('a blob of more than the reader takes is refused before it is read', async () => {
    const { digest } = await store.put(Buffer.alloc(1_000));
    await expect(store.read(digest, 999)).rejects.toMatchObject({ code: 'blob-too-large' });
    expect((await store.read(digest, 1_000)).byteLength).toBe(1_000);
  });

  test('damage is found when it is read, the blob is served no more, and a new put heals it', async () => {
    const bytes = randomBytes(5_000);
    const { digest } = await store.put(bytes);
    await harness.damage(digest);
    await expect(store.read(digest)).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect(await store.stat(digest)).toBeUndefined();
    await store.put(bytes);
    expect((await store.read(digest)).equals(bytes)).toBe(true);
  });

  test('what is removed is gone, and may come back', async () => {
    const { digest } = await store.put(Buffer.from('old'));
    const kept = await store.put(Buffer.from('kept'));
    await store.remove(digest);
    await store.remove(digest);
    await store.remove('../../etc/passwd');
    expect(await store.stat(digest)).toBeUndefined();
    expect(await store.stat(kept.digest)).toEqual(kept);
    await store.put(Buffer.from('old'));
    expect((await store.read(digest)).toString()).toBe('old');
  });

  test('a full disk is said so, leaves nothing, and what was there stays', async () => {
    const full = await harness.full();
    if (full === undefined) {
      console.warn('this user may mount nothing: the full disk is not tested here');
      return;
    }
    const { digest } = await full.put(Buffer.alloc(50_000, 1));
    await expect(full.put(chunks(1_000, 10_000))).rejects.toMatchObject({ code: 'no-space' });
    await expect(full.put(randomBytes(1_000_000))).rejects.toMatchObject({ code: 'no-space' });
    expect((await full.read(digest)).byteLength).toBe(50_000);
    expect((await full.put(Buffer.alloc(50_000, 2))).sizeBytes).toBe(50_000);
  });
}
