import { memoryUse, watchMemory } from '#libs/hostile';
import type { Target } from './target.js';

/** What became of a case. */
export interface Verdict {
  /** `read`, the code of a typed error, or `failed`. */
  readonly outcome: string;
  readonly ms: number;
  /** Above what the process had before. */
  readonly peakBytes: number;
  readonly inputBytes: number;
  readonly failure?: string;
}

/** What any reader may take, whatever the input: garbage that isn't collected yet, the stream's and the pipes' buffers. */
const allowanceBytes = 16 * 2 ** 20;
const maxRatio = 4;

async function once(target: Target, input: Buffer): Promise<Verdict> {
  const before = watchMemory();
  const start = performance.now();
  let outcome = 'read';
  let failure: string | undefined;
  try {
    await target.run(input);
  } catch (error) {
    const typed = target.isTyped(error);
    outcome = typed ? (error as { code: string }).code : 'failed';
    if (!typed) failure = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  }
  const ms = performance.now() - start;
  return { outcome, ms, peakBytes: memoryUse().peak - before.now, inputBytes: input.length, failure };
}

/** Runs a case. One that takes much memory is run again after the garbage is gone: only what it does need counts. */
export async function judge(target: Target, input: Buffer): Promise<Verdict> {
  const limit = maxRatio * input.length + allowanceBytes;
  const first = await once(target, input);
  if (first.failure !== undefined || first.peakBytes <= limit) return first;
  globalThis.gc?.();
  const again = await once(target, input);
  if (again.failure !== undefined || again.peakBytes <= limit) return again;
  const failure = `${again.peakBytes} bytes of memory for ${input.length} bytes of input`;
  return { ...again, outcome: 'failed', failure };
}
