import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Digest, digestOf } from '#libs/contracts';
import { checkRange, intake, type IntakeOptions } from './intake.js';
import { BlobError, type BlobRef, BlobStore } from './port.js';

/** Blobs in this process's memory, for tests: the folder store's twin, a full disk included. */
export class MemoryBlobStore extends BlobStore {
  private readonly blobs = new Map<Digest, Buffer>();
  private folder: string | undefined;
  private usedBytes = 0;

  /** @param capacityBytes what it holds before it says `no-space`. */
  constructor(private readonly capacityBytes = Number.MAX_SAFE_INTEGER) {
    super();
  }

  async put(bytes: Uint8Array | Readable, options: IntakeOptions = {}): Promise<BlobRef> {
    const chunks: Uint8Array[] = [];
    let incoming = 0;
    const ref = await intake(bytes, options, (chunk) => {
      incoming += chunk.byteLength;
      if (this.usedBytes + incoming > this.capacityBytes) throw new BlobError('no-space', 'the memory store is full');
      // A producer may reuse its buffer.
      chunks.push(Uint8Array.from(chunk));
    });
    if (!this.blobs.has(ref.digest)) {
      this.blobs.set(ref.digest, Buffer.concat(chunks));
      this.usedBytes += ref.sizeBytes;
    }
    return ref;
  }

  async stat(digest: Digest): Promise<BlobRef | undefined> {
    const blob = this.blobs.get(digest);
    return blob === undefined ? undefined : { digest, sizeBytes: blob.byteLength };
  }

  async open(digest: Digest, range?: { readonly start: number; readonly end: number }): Promise<Readable> {
    const blob = this.find(digest);
    if (range !== undefined) checkRange(range, blob.byteLength);
    const part = range === undefined ? blob : blob.subarray(range.start, range.end + 1);
    return Readable.from(part.byteLength === 0 ? [] : [part], { objectMode: false });
  }

  async read(digest: Digest, maxBytes?: number): Promise<Buffer> {
    const blob = this.find(digest);
    if (maxBytes !== undefined && blob.byteLength > maxBytes) {
      throw new BlobError('blob-too-large', `${digest} has ${blob.byteLength} bytes, more than ${maxBytes}`);
    }
    if (digestOf(blob) !== digest) {
      this.blobs.delete(digest);
      this.usedBytes -= blob.byteLength;
      throw new BlobError('digest-mismatch', `the bytes of ${digest} have changed`);
    }
    return Buffer.from(blob);
  }

  async remove(digest: Digest): Promise<void> {
    this.usedBytes -= this.blobs.get(digest)?.byteLength ?? 0;
    this.blobs.delete(digest);
  }

  async localPath(digest: Digest): Promise<string> {
    const blob = this.find(digest);
    this.folder ??= await mkdtemp(join(tmpdir(), 'splicecast-blobs-'));
    const path = join(this.folder, digest);
    await writeFile(path, blob, { mode: 0o444, flag: 'wx' }).catch((error: unknown) => {
      if (!(typeof error === 'object' && error !== null && 'code' in error && error.code === 'EEXIST')) throw error;
    });
    return path;
  }

  /** Flips a byte, as a failing disk would. */
  damage(digest: Digest): void {
    const blob = this.find(digest);
    blob.writeUInt8(blob.readUInt8(0) ^ 1, 0);
  }

  /** Removes the files that `localPath` made. */
  async close(): Promise<void> {
    if (this.folder !== undefined) await rm(this.folder, { recursive: true, force: true });
    this.folder = undefined;
  }

  private find(digest: Digest): Buffer {
    const blob = this.blobs.get(digest);
    if (blob === undefined) throw new BlobError('blob-not-found', `no blob ${digest.slice(0, 64)}`);
    return blob;
  }
}
