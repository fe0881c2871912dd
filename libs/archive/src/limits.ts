import { ArchiveError } from './errors.js';

/** Bounds on what an archive may unpack to. */
export interface ArchiveLimits {
  /** All bytes that come out of the decompressor together: files, headers, padding. */
  readonly totalBytes: number;
  readonly entries: number;
  readonly fileBytes: number;
  /** Unpacked ÷ packed, looked at once more than 64 MiB came out. A kernel source has 10; a bomb 1,000. */
  readonly ratio: number;
}

/** Enough for any kernel (1.5 GB in 79,000 files today), and no more than a small machine survives. */
export const kernelLimits: ArchiveLimits = {
  totalBytes: 4 * 2 ** 30,
  entries: 400_000,
  fileBytes: 1 * 2 ** 30,
  ratio: 200,
};

export const maxPathBytes = 4096;
const ratioFloorBytes = 64 * 2 ** 20;

/** Counts what comes out of a decompressor against what went in. */
export class InflationGauge {
  packedBytes = 0;
  unpackedBytes = 0;

  constructor(private readonly limits: ArchiveLimits) {}

  /** @throws ArchiveError `too-large`, `bomb`. */
  unpacked(sizeBytes: number): void {
    this.unpackedBytes += sizeBytes;
    if (this.unpackedBytes > this.limits.totalBytes) {
      throw new ArchiveError('too-large', `unpacks to more than ${this.limits.totalBytes} bytes`);
    }
    if (this.unpackedBytes > ratioFloorBytes && this.unpackedBytes > this.packedBytes * this.limits.ratio) {
      throw new ArchiveError(
        'bomb',
        `${this.packedBytes} bytes unpack to more than ${this.limits.ratio} times as many`,
      );
    }
  }
}
