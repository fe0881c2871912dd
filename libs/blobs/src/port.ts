import type { Readable } from 'node:stream';
import type { Digest } from '#libs/contracts';

export type BlobErrorCode = 'blob-not-found' | 'blob-too-large' | 'digest-mismatch' | 'no-space' | 'bad-range';

export class BlobError extends Error {
  override readonly name = 'BlobError';
  constructor(
    readonly code: BlobErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface BlobRef {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Bytes by their SHA-256. What can be read is always whole: a blob appears under its digest only when it is complete. */
export abstract class BlobStore {
  /**
   * Stores bytes; storing them again changes nothing.
   * @throws BlobError `blob-too-large` past `maxBytes` (2 GiB when absent); `no-space`; `digest-mismatch` where `expected` is given.
   */
  abstract put(
    bytes: Uint8Array | Readable,
    options?: { readonly maxBytes?: number; readonly expected?: Digest },
  ): Promise<BlobRef>;

  /** Says how large a blob is; undefined if it isn't there. */
  abstract stat(digest: Digest): Promise<BlobRef | undefined>;

  /** Opens a blob, or the bytes `start`…`end` (inclusive) of it. @throws BlobError `blob-not-found`, `bad-range`. */
  abstract open(digest: Digest, range?: { readonly start: number; readonly end: number }): Promise<Readable>;

  /** Reads a whole blob and checks its digest. @throws BlobError `blob-not-found`, `blob-too-large`, `digest-mismatch`. */
  abstract read(digest: Digest, maxBytes?: number): Promise<Buffer>;

  /** Forgets a blob; no error if there is none. For bytes that nothing names any more, and nothing else: there is no way back. */
  abstract remove(digest: Digest): Promise<void>;

  /** A file on this machine that holds the blob's bytes, read-only, for programs that want a path. */
  abstract localPath(digest: Digest): Promise<string>;
}
