import { ArchiveError } from './errors.js';

/** Reads exact counts of bytes off a stream of chunks. */
export class ByteReader {
  private readonly source: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);
  /** Bytes taken so far. */
  position = 0;

  constructor(source: AsyncIterable<Buffer>) {
    this.source = source[Symbol.asyncIterator]();
  }

  /** The next `count` bytes together; small counts only. @throws ArchiveError `truncated`. */
  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.pass(count)) parts.push(part);
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }

  /** The next `count` bytes, as they come. @throws ArchiveError `truncated`. */
  async *pass(count: number): AsyncGenerator<Buffer> {
    let left = count;
    while (left > 0) {
      if (this.rest.length === 0) await this.refill();
      const part = this.rest.subarray(0, left);
      this.rest = this.rest.subarray(part.length);
      this.position += part.length;
      left -= part.length;
      yield part;
    }
  }

  async skip(count: number): Promise<void> {
    const skipped = this.pass(count);
    while ((await skipped.next()).done !== true);
  }

  /** All that is left. */
  async *remainder(): AsyncGenerator<Buffer> {
    if (this.rest.length > 0) yield this.rest;
    for (let next = await this.source.next(); next.done !== true; next = await this.source.next()) yield next.value;
  }

  async close(): Promise<void> {
    await this.source.return?.();
  }

  private async refill(): Promise<void> {
    const next = await this.source.next();
    if (next.done === true) throw new ArchiveError('truncated', 'the archive ends too early');
    this.rest = next.value;
  }
}
