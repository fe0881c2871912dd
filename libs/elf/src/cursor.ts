import { ElfError } from './errors.js';

/** Little-endian reads that never leave the bytes: past the end is an ElfError, not undefined. */
export class Cursor {
  private readonly view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    private readonly what: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @throws ElfError where the bytes end before that field does. */
  check(offset: number, length: number): void {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + length > this.bytes.length)
      throw new ElfError('truncated', offset, `${this.what} ends before a field of ${length} bytes`);
  }

  u8(offset: number): number {
    this.check(offset, 1);
    return this.view.getUint8(offset);
  }

  u16(offset: number): number {
    this.check(offset, 2);
    return this.view.getUint16(offset, true);
  }

  u32(offset: number): number {
    this.check(offset, 4);
    return this.view.getUint32(offset, true);
  }

  i32(offset: number): number {
    this.check(offset, 4);
    return this.view.getInt32(offset, true);
  }

  u64(offset: number): bigint {
    this.check(offset, 8);
    return this.view.getBigUint64(offset, true);
  }

  i64(offset: number): bigint {
    this.check(offset, 8);
    return this.view.getBigInt64(offset, true);
  }

  /** A 64-bit file offset, size or flag word; more than 2^53 can't be true of a file that is in memory. */
  size(offset: number): number {
    this.check(offset, 8);
    const high = this.view.getUint32(offset + 4, true);
    if (high >= 1 << 21)
      throw new ElfError('too-large', offset, `${this.what} has a 64-bit field of ${this.u64(offset)}`);
    return high * 2 ** 32 + this.view.getUint32(offset, true);
  }

  /** A signed 64-bit number, of which no more than 52 bits may be used. */
  signed(offset: number): number {
    this.check(offset, 8);
    const high = this.view.getInt32(offset + 4, true);
    if (high >= 1 << 19 || high < -(1 << 19))
      throw new ElfError('too-large', offset, `${this.what} has a signed 64-bit field of ${this.i64(offset)}`);
    return high * 2 ** 32 + this.view.getUint32(offset, true);
  }

  /** A view, not a copy. */
  slice(offset: number, length: number): Uint8Array {
    this.check(offset, length);
    return this.bytes.subarray(offset, offset + length);
  }
}
