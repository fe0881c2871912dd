import { stat } from 'node:fs/promises';
import { SingleBar } from 'cli-progress';
import { type ImportProgress, importKernel, KernelImageError, type KernelProfile } from '#libs/kernelimage';
import { printError, printJson, printRecord } from '../output.js';

export interface ImportOptions {
  readonly image: string;
  readonly headers: readonly string[];
  readonly out: string;
  readonly json?: boolean;
}

/** What a kernel package unpacks to, as a multiple of its packed size: good enough for a bar. */
const unpackedRatio = 5.5;

/** 0 for a file that isn't there: the import says so itself. */
async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/** A bar for the import: the unpacking takes nearly all of the time. */
async function importWithBar(options: ImportOptions): Promise<KernelProfile> {
  const { image, headers, out } = options;
  const sizes = await Promise.all([image, ...headers].map(async (file) => await sizeOf(file)));
  const total = Math.round(sizes.reduce((sum, size) => sum + size, 0) * unpackedRatio);
  const bar = new SingleBar({
    format: '{stage} {bar} {percentage} %',
    clearOnComplete: true,
    stream: process.stderr,
    noTTYOutput: false,
  });
  bar.start(total, 0, { stage: 'unpack' });
  const onProgress = ({ stage, bytes }: ImportProgress): void => {
    if (stage === 'unpack') bar.update(Math.min(bytes, total - 1), { stage });
    else bar.update({ stage });
  };
  const interrupted = new AbortController();
  const stop = (): void => interrupted.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await importKernel({ image, headers, out, onProgress, signal: interrupted.signal });
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    bar.stop();
  }
}

/** Imports with a bar, and says what the kernel is. */
export async function runImport(options: ImportOptions): Promise<void> {
  const start = Date.now();
  try {
    const { data, folder } = await importWithBar(options);
    const { release, version, buildId, vermagic, compiler, counts } = data;
    const facts = { release, version, buildId, vermagic, compiler, ...counts, durationMs: Date.now() - start };
    if (options.json === true) printJson({ outcome: 'imported', profile: folder, ...facts });
    else printRecord({ profile: folder, ...facts });
  } catch (error) {
    if (!(error instanceof KernelImageError)) throw error;
    process.exitCode = error.code === 'interrupted' ? 130 : 1;
    if (options.json === true) printJson({ outcome: 'error', code: error.code, reason: error.message });
    else printError(`${error.message} [${error.code}]`);
  }
}
