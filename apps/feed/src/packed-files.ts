import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Injectable } from '@nestjs/common';
import { BlobStore } from '#libs/blobs';

const pack = promisify(gzip);

/** Far above any of the metadata's files. */
const maxFileBytes = 16 * 1024 * 1024;
/** What is kept: the newest state, which is what everybody asks for. */
const maxKeptBytes = 32 * 1024 * 1024;

/** A small file, as it is and as HTTP's gzip makes it. */
export interface PackedFile {
  readonly plain: Buffer;
  readonly packed: Buffer;
}

/** Small public files by digest, packed once and not for each of a hundred thousand machines. */
@Injectable()
export class PackedFiles {
  private readonly kept = new Map<string, Promise<PackedFile>>();
  private keptBytes = 0;

  constructor(private readonly blobs: BlobStore) {}

  /** @throws BlobError */
  async get(digest: string): Promise<PackedFile> {
    const known = this.kept.get(digest);
    if (known !== undefined) return known;
    const coming = this.read(digest);
    this.kept.set(digest, coming);
    try {
      const { plain, packed } = await coming;
      this.keptBytes += plain.length + packed.length;
      await this.makeRoom();
      return { plain, packed };
    } catch (error) {
      this.kept.delete(digest);
      throw error;
    }
  }

  private async read(digest: string): Promise<PackedFile> {
    const plain = await this.blobs.read(digest, maxFileBytes);
    return { plain, packed: await pack(plain, { level: 9 }) };
  }

  private async makeRoom(): Promise<void> {
    for (const [digest, file] of this.kept) {
      if (this.keptBytes <= maxKeptBytes) return;
      this.kept.delete(digest);
      const { plain, packed } = await file;
      this.keptBytes -= plain.length + packed.length;
    }
  }
}
