import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Digest } from '#libs/contracts';
import { BlobError, type BlobRef } from './port.js';

/** What `put` allows when nothing is said: 2 GiB. */
export const defaultMaxBytes = 2 * 1024 ** 3;

export interface IntakeOptions {
  readonly maxBytes?: number;
  readonly expected?: Digest;
}

/**
 * Takes bytes in, chunk by chunk, hashing them on the way to `write`.
 * @throws BlobError `blob-too-large` before the first byte over the limit is written; `digest-mismatch` at the end.
 */
export async function intake(
  bytes: Uint8Array | Readable,
  options: IntakeOptions,
  write: (chunk: Uint8Array) => Promise<void> | void,
): Promise<BlobRef> {
  const maxBytes = options.maxBytes ?? defaultMaxBytes;
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of chunksOf(bytes)) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) throw new BlobError('blob-too-large', `a blob of more than ${maxBytes} bytes`);
    hash.update(chunk);
    await write(chunk);
  }
  const digest = hash.digest('hex');
  if (options.expected !== undefined && digest !== options.expected) {
    throw new BlobError('digest-mismatch', `the bytes are ${digest}, not ${options.expected}`);
  }
  return { digest, sizeBytes };
}

async function* chunksOf(bytes: Uint8Array | Readable): AsyncGenerator<Uint8Array> {
  if (bytes instanceof Uint8Array) {
    yield bytes;
    return;
  }
  for await (const chunk of bytes as AsyncIterable<unknown>) {
    if (typeof chunk === 'string') yield Buffer.from(chunk);
    else if (chunk instanceof Uint8Array) yield chunk;
    else throw new TypeError('a blob is made of bytes');
  }
}

/** @throws BlobError `bad-range` unless `start`…`end` (inclusive) lies within the blob. */
export function checkRange(range: { readonly start: number; readonly end: number }, sizeBytes: number): void {
  const { start, end } = range;
  const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end);
  if (!whole || start < 0 || start > end || end >= sizeBytes) {
    throw new BlobError('bad-range', `${start}-${end} is no range of ${sizeBytes} bytes`);
  }
}
