import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { ArchiveError } from './errors.js';
import type { InflationGauge } from './limits.js';

export type Compression = 'none' | 'gzip' | 'xz' | 'zstd' | 'bzip2';

const magics: readonly (readonly [Compression, readonly number[]])[] = [
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bzip2', [0x42, 0x5a, 0x68]],
];

/** Memory is bounded for each: a crafted header may ask for a window of gigabytes. xz -9 takes 65 MiB, zstd -22 128. */
const programs: Readonly<Record<'xz' | 'zstd' | 'bzip2', readonly string[]>> = {
  xz: ['xz', '--decompress', '--stdout', '--quiet', '--threads=2', '--memlimit-decompress=256MiB'],
  zstd: ['zstd', '--decompress', '--stdout', '--quiet', '--no-progress', '--memory=256MiB'],
  bzip2: ['bzip2', '--decompress', '--stdout', '--quiet'],
};

/** Tells a compression by its first bytes; names lie. */
export function compressionOf(head: Uint8Array): Compression {
  return magics.find(([, magic]) => magic.every((byte, at) => head[at] === byte))?.[0] ?? 'none';
}

/**
 * Decompresses bytes, telling the compression by its magic. Ends child processes when the reader stops early.
 * @throws ArchiveError `truncated`, `malformed`, `too-large`, `bomb`, `read-failed`.
 */
export async function* decompress(packed: AsyncIterable<Buffer>, gauge: InflationGauge): AsyncGenerator<Buffer> {
  const source = packed[Symbol.asyncIterator]();
  try {
    const head = await headOf(source);
    const counted = count(head, source, gauge);
    for await (const chunk of inflate(compressionOf(head), counted)) {
      gauge.unpacked(chunk.length);
      yield chunk;
    }
  } finally {
    await source.return?.();
  }
}

/** The first bytes, at least as many as a magic has, unless there are fewer. */
async function headOf(source: AsyncIterator<Buffer>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < 6) {
    const next = await source.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  return head;
}

async function* count(head: Buffer, rest: AsyncIterator<Buffer>, gauge: InflationGauge): AsyncGenerator<Buffer> {
  gauge.packedBytes += head.length;
  yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    gauge.packedBytes += next.value.length;
    yield next.value;
  }
}

function inflate(compression: Compression, packed: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  if (compression === 'none') return packed;
  if (compression === 'gzip') return gunzip(packed);
  return runProgram(programs[compression], packed);
}

async function* gunzip(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const unzip = createGunzip({ chunkSize: 128 * 1024 });
  const feeding = pipeline(Readable.from(packed), unzip).catch((error: unknown) => error);
  try {
    for await (const chunk of unzip as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    throw inflationError('gzip', error instanceof Error ? error.message : String(error), error);
  } finally {
    unzip.destroy();
    await feeding;
  }
}

async function* runProgram(command: readonly string[], packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const [program = '', ...args] = command;
  // An environment of our own: XZ_OPT and ZSTD_CLEVEL would change what the limits above say.
  const child = spawn(program, args, { env: { PATH: process.env['PATH'], LC_ALL: 'C' }, stdio: 'pipe' });
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => (complaint = `${complaint}${text.toString('latin1')}`.slice(0, 1000)));
  const ended = new Promise<number | null | Error>((resolve) => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  // A reader of the source that fails has the last word; a decompressor that closes its input early speaks by its exit.
  let sourceError: unknown;
  const feeding = pipeline(Readable.from(watched(packed, (error) => (sourceError = error))), child.stdin).catch(() => {
    child.stdin.destroy();
  });
  let finished = false;
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) yield chunk;
    const end = await ended;
    await feeding;
    finished = true;
    if (sourceError !== undefined) throw sourceError;
    if (end instanceof Error) throw new ArchiveError('read-failed', `can't run ${program}: ${end.message}`);
    if (end !== 0) throw inflationError(program, complaint);
  } finally {
    if (!finished) {
      child.kill('SIGKILL');
      await ended;
    }
  }
}

async function* watched(source: AsyncIterable<Buffer>, failed: (error: unknown) => void): AsyncGenerator<Buffer> {
  try {
    yield* source;
  } catch (error) {
    failed(error);
    throw error;
  }
}

function inflationError(program: string, complaint: string, cause?: unknown): Error {
  if (cause instanceof ArchiveError) return cause;
  const text = complaint.trim().split('\n')[0] ?? '';
  const cut = /unexpected end|premature end|incomplete|ends unexpectedly|truncated/i.test(text);
  const huge = /memory usage limit|window|memory limit/i.test(text);
  const code = cut ? 'truncated' : huge ? 'too-large' : 'malformed';
  return new ArchiveError(code, `${program}: ${text === '' ? 'the data is damaged' : text}`, { cause });
}
