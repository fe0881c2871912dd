import { ElfError } from './errors.js';

/** What a reader of objects may take of memory besides four times their size. */
const baseBytes = 4 * 2 ** 20;

/**
 * How much memory may be taken for an object: one that is made to take many times its size is refused before it does. What is
 * counted is what is kept for each thing, by the most that any later step keeps for it too.
 */
export class MemoryBudget {
  private left: number;

  constructor(sizeBytes: number) {
    this.left = 4 * sizeBytes + baseBytes;
  }

  /** @throws ElfError `too-large` */
  spend(sizeBytes: number, what: string): void {
    this.left -= sizeBytes;
    if (this.left < 0) throw new ElfError('too-large', 0, `more ${what} than an object of its size has`);
  }
}
