import { ElfError } from '#libs/elf';

/** How often all bytes of an object may be gone through: real ones need two or three. */
const maxPasses = 16;
const leastSteps = 1 << 22;

/**
 * How much may be compared for an object. Where thousands have the same name, each would be compared with each, and once more for each
 * that is found: hours for an object of a few megabytes.
 */
export class Steps {
  private left: number;

  constructor(objectSizeBytes: number) {
    this.left = maxPasses * objectSizeBytes + leastSteps;
  }

  /** @throws ElfError `too-large` */
  take(count: number): void {
    this.left -= count;
    if (this.left < 0) throw new ElfError('too-large', 0, 'too many equal names to be told apart');
  }
}
