// Reads one crafted object in a process of its own, and prints what that took.
import { ElfError, readElf } from '#libs/elf';
import { peakOf } from '#libs/hostile';
import { diffObjects } from '#libs/objdiff';
import { matchAgainst, runningModule } from '#libs/runpre';
import { crafts } from './crafted.js';

/** What reading it came to. */
export interface CraftedRun {
  readonly outcome: string;
  /** Of both objects, that before a fix and that after it. */
  readonly inputBytes: number;
  /** Resident memory above that of the process before, at its most. */
  readonly peakBytes: number;
  readonly ms: number;
}

const readers: Readonly<Record<string, (original: Uint8Array, patched: Uint8Array) => string>> = {
  objdiff: (original, patched) => diffObjects({ objectFile: 'unit.o', owner: 'vmlinux', original, patched }).outcome,
  runpre: (original, patched) => `${matchAgainst(original, runningModule(readElf(patched))).checked} checked`,
};

/** Until nothing of what made the objects is left. */
async function settle(): Promise<void> {
  for (let round = 0; round < 5; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function main(kind: string, count: number, reader: string): Promise<CraftedRun> {
  const [craft, read] = [crafts[kind], readers[reader]];
  if (craft === undefined || read === undefined) throw new TypeError(`no ${kind} for ${reader}`);
  // The first run is of a small one: code is loaded and compiled.
  for (let round = 0; round < 20; round++) read(craft(3, 1), craft(3, 2));
  // Copies: what they were made in is let go.
  const [original, patched] = [craft(count, 1), craft(count, 2)].map((bytes) => Uint8Array.from(bytes));
  if (original === undefined || patched === undefined) throw new TypeError('no objects');
  await settle();
  let outcome = '';
  const start = performance.now();
  const peakBytes = await peakOf(() => {
    try {
      outcome = read(original, patched);
    } catch (error) {
      if (!(error instanceof ElfError)) throw error;
      outcome = error.code;
    }
  });
  return { outcome, inputBytes: original.length + patched.length, peakBytes, ms: performance.now() - start };
}

const [, , kind = '', count = '', reader = ''] = process.argv;
process.stdout.write(`${JSON.stringify(await main(kind, Number(count), reader))}\n`);
