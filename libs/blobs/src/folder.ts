import { randomBytes } from 'node:crypto';
import { constants, mkdirSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { type Digest, digestOf, digestSchema } from '#libs/contracts';
import { syncPath } from '#libs/durable';
import { checkRange, intake, type IntakeOptions } from './intake.js';
import { incomingName, removeLeftovers } from './leftovers.js';
import { BlobError, type BlobRef, BlobStore } from './port.js';

const readOnly = 0o444;

/**
 * Blobs as files `<dir>/<aa>/<digest>`, where `aa` are the digest's first two digits. A blob is written to `<dir>/incoming`,
 * brought to the disk (fsync) and only then renamed to its place, so that no crash leaves half a blob under a digest. Several
 * processes may share a folder.
 */
export class FolderBlobStore extends BlobStore {
  private readonly dir: string;
  private readonly incoming: string;

  /** Makes the folder if needed, and removes what processes that died in the middle of a `put` left behind. */
  constructor(dir: string) {
    super();
    this.dir = resolve(dir);
    this.incoming = join(this.dir, 'incoming');
    mkdirSync(this.incoming, { recursive: true });
    removeLeftovers(this.incoming);
  }

  async put(bytes: Uint8Array | Readable, options: IntakeOptions = {}): Promise<BlobRef> {
    if (bytes instanceof Uint8Array) {
      const known = await this.stat(digestOf(bytes));
      if (known !== undefined) return intake(bytes, options, () => undefined);
    }
    const temporary = join(this.incoming, `${incomingName()}-${randomBytes(8).toString('hex')}`);
    const ref = await this.writeTemporary(temporary, bytes, options);
    await this.moveIntoPlace(temporary, ref.digest);
    return ref;
  }

  async stat(digest: Digest): Promise<BlobRef | undefined> {
    if (!digestSchema.safeParse(digest).success) return undefined;
    try {
      return { digest, sizeBytes: (await stat(this.pathOf(digest))).size };
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async open(digest: Digest, range?: { readonly start: number; readonly end: number }): Promise<Readable> {
    const file = await this.openFile(digest);
    try {
      if (range !== undefined) checkRange(range, (await file.stat()).size);
    } catch (error) {
      await file.close();
      throw error;
    }
    return file.createReadStream(range === undefined ? {} : { start: range.start, end: range.end });
  }

  async read(digest: Digest, maxBytes?: number): Promise<Buffer> {
    const file = await this.openFile(digest);
    try {
      const { size } = await file.stat();
      if (maxBytes !== undefined && size > maxBytes) {
        throw new BlobError('blob-too-large', `${digest} has ${size} bytes, more than ${maxBytes}`);
      }
      const bytes = await file.readFile();
      if (digestOf(bytes) !== digest) {
        await this.setAside(digest);
        throw new BlobError('digest-mismatch', `the bytes of ${digest} have changed on the disk; they are set aside`);
      }
      return bytes;
    } finally {
      await file.close();
    }
  }

  async remove(digest: Digest): Promise<void> {
    if (digestSchema.safeParse(digest).success) await removeIfThere(this.pathOf(digest));
  }

  async localPath(digest: Digest): Promise<string> {
    if ((await this.stat(digest)) === undefined) throw notFound(digest);
    return this.pathOf(digest);
  }

  private pathOf(digest: Digest): string {
    return join(this.dir, digest.slice(0, 2), digest);
  }

  private async openFile(digest: Digest): Promise<FileHandle> {
    // The digest becomes a path: nothing else than a digest may.
    if (!digestSchema.safeParse(digest).success) throw notFound(digest);
    try {
      return await open(this.pathOf(digest), constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') throw notFound(digest);
      throw error;
    }
  }

  private async writeTemporary(path: string, bytes: Uint8Array | Readable, options: IntakeOptions): Promise<BlobRef> {
    try {
      const file = await open(path, 'wx', 0o600);
      try {
        const ref = await intake(bytes, options, (chunk) => writeWhole(file, chunk));
        await file.chmod(readOnly);
        await file.sync();
        return ref;
      } finally {
        await file.close();
      }
    } catch (error) {
      await removeIfThere(path);
      throw noSpaceOr(error);
    }
  }

  private async moveIntoPlace(temporary: string, digest: Digest): Promise<void> {
    const path = this.pathOf(digest);
    const folder = join(this.dir, digest.slice(0, 2));
    try {
      if ((await mkdir(folder, { recursive: true })) !== undefined) await syncPath(this.dir);
      await rename(temporary, path);
      // Without this a power cut may forget the name of a blob that an event speaks of already.
      await syncPath(folder);
    } catch (error) {
      await removeIfThere(temporary);
      throw noSpaceOr(error);
    }
  }

  /** A damaged blob must not be served again, and a new `put` must be able to heal it. */
  private async setAside(digest: Digest): Promise<void> {
    await rename(this.pathOf(digest), `${this.pathOf(digest)}.damaged`).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
  }
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let written = 0;
  while (written < chunk.byteLength) {
    written += (await file.write(chunk, written, chunk.byteLength - written)).bytesWritten;
  }
}

async function removeIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
}

function notFound(digest: string): BlobError {
  return new BlobError('blob-not-found', `no blob ${digest.slice(0, 64)}`);
}

function noSpaceOr(error: unknown): unknown {
  const code = codeOf(error);
  // EDQUOT: the user's quota; EFBIG: the process's or the file system's limit of a file.
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new BlobError('no-space', 'no space is left for the blob', { cause: error });
  }
  return error;
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
