import { Readable } from 'node:stream';
import { ArchiveError } from './errors.js';

export type EntryKind = 'file' | 'directory' | 'symlink' | 'hardlink';

/**
 * One file, folder or link of an archive. Its content has to be read before the next entry is asked for; what isn't read by
 * then is skipped.
 */
export class ArchiveEntry {
  constructor(
    /** Relative, `/`-separated, no `.` or `..`; the archive's bytes decoded as latin1, so that every name survives. */
    readonly path: string,
    readonly kind: EntryKind,
    /** Permission bits, e.g. 0o755. */
    readonly mode: number,
    readonly sizeBytes: number,
    private readonly chunks: AsyncIterable<Buffer>,
    /** A symlink's target as it stands in the archive; a hard link's target as a path of the archive. */
    readonly linkTarget?: string,
  ) {}

  /** The file's bytes as a stream; empty for folders and links. */
  get content(): Readable {
    return Readable.from(this.chunks, { objectMode: false });
  }

  /** The file's bytes at once. @throws ArchiveError `too-large` past `maxBytes`. */
  async bytes(maxBytes = 64 * 2 ** 20): Promise<Buffer> {
    if (this.sizeBytes > maxBytes) {
      throw new ArchiveError('too-large', `${this.path} has ${this.sizeBytes} bytes, ${maxBytes} are allowed here`);
    }
    const parts: Buffer[] = [];
    for await (const chunk of this.chunks) parts.push(chunk);
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }
}
