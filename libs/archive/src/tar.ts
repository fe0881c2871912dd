import { createReadStream } from 'node:fs';
import { type Extract, extract, type Header } from 'tar-stream';
import { decompress } from './decompress.js';
import { ArchiveEntry, type EntryKind } from './entry.js';
import { ArchiveError } from './errors.js';
import { EntryGuard, type GuardOptions, quoted, type RawEntry } from './guard.js';
import { type ArchiveLimits, InflationGauge, kernelLimits } from './limits.js';
import { checkMetadata } from './tar-metadata.js';
import type { TopFolder } from './top-folder.js';

type TarEntry = Extract extends AsyncIterable<infer Source> ? Source : never;

export interface TarOptions extends GuardOptions {
  /** Takes this folder off all paths, before they are checked. */
  readonly top?: TopFolder;
}

const kinds: Partial<Record<string, EntryKind>> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'directory',
  symlink: 'symlink',
  link: 'hardlink',
};

/**
 * Reads a tar, plain or compressed by gzip, xz, zstd or bzip2, entry by entry.
 * @param source a file's path or the archive's bytes.
 * @throws ArchiveError while iterating.
 */
export async function* readTar(
  source: string | AsyncIterable<Buffer>,
  limits: ArchiveLimits = kernelLimits,
  options: TarOptions = { absoluteSymlinks: false },
): AsyncGenerator<ArchiveEntry> {
  const packed = typeof source === 'string' ? fileBytes(source) : source;
  const guard = new EntryGuard(limits, options);
  const bytes = checkTail(checkMetadata(decompress(packed, new InflationGauge(limits))));
  for await (const entry of tarEntries(bytes)) {
    const raw = rawEntry(entry.header, options.top);
    const admitted = guard.admit(raw);
    if (!admitted) continue;
    const { path, linkTarget } = admitted;
    yield new ArchiveEntry(path, raw.kind, entry.header.mode & 0o7777, raw.sizeBytes, contentOf(entry), linkTarget);
  }
  guard.finish();
}

function rawEntry(header: Header, top?: TopFolder): RawEntry {
  const kind = kinds[header.type];
  const { name, linkname } = namesOf(header);
  if (!kind) throw new ArchiveError('special-file', `${quoted(name)} is a ${header.type}`);
  // The parser takes a size that is neither octal nor base 256 for null, and waits for the end of such a file for ever.
  if (!Number.isSafeInteger(header.size)) throw new ArchiveError('malformed', `${quoted(name)} has no size`);
  const path = top ? top.strip(name, kind === 'directory') : name;
  const target = kind === 'hardlink' && top && linkname ? top.strip(linkname, false) : linkname;
  return { path, kind, sizeBytes: kind === 'file' ? header.size : 0, linkTarget: target };
}

async function* contentOf(entry: TarEntry): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of entry as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    throw tarError(error);
  }
}

/** A file's bytes, or a slice of them. @throws ArchiveError `read-failed`, `truncated`. */
export async function* fileBytes(file: string, slice?: { start: number; sizeBytes: number }): AsyncGenerator<Buffer> {
  if (slice?.sizeBytes === 0) return;
  const range = slice && { start: slice.start, end: slice.start + slice.sizeBytes - 1 };
  let seen = 0;
  try {
    for await (const chunk of createReadStream(file, {
      ...range,
      highWaterMark: 256 * 1024,
    }) as AsyncIterable<Buffer>) {
      seen += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw new ArchiveError('read-failed', `can't read the archive: ${String(error)}`, { cause: error });
  }
  if (slice && seen < slice.sizeBytes) throw new ArchiveError('truncated', 'the file ends inside of an archive member');
}

async function* tarEntries(bytes: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const options = { filenameEncoding: 'latin1', highWaterMark: 1024 * 1024 };
  const parser = extract(options);
  const feeding = feed(bytes, parser);
  try {
    for await (const entry of parser) {
      yield entry;
      // What the reader left unread is skipped: the parser waits for it otherwise.
      entry.resume();
    }
  } catch (error) {
    throw tarError(error);
  } finally {
    parser.destroy(null);
    await feeding;
  }
}

/** Writes the bytes into the parser, which hands on any error of theirs to its reader. */
async function feed(bytes: AsyncIterable<Buffer>, parser: Extract): Promise<void> {
  try {
    for await (const chunk of bytes) {
      if (!parser.write(chunk) && !parser.destroyed) await writable(parser);
      if (parser.destroyed) return;
    }
    parser.end(undefined);
  } catch (error) {
    parser.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

/** Resolves when the parser takes more, or never will. */
function writable(parser: Extract): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      parser.off('drain', wake);
      parser.off('close', wake);
      resolve();
    };
    parser.on('drain', wake);
    parser.on('close', wake);
  });
}

/**
 * A tar ends with at least one block of zeros. One that was cut between two entries lacks it, and tells of it in no other
 * way.
 */
async function* checkTail(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let tail: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    tail = chunk.length >= 512 ? chunk.subarray(-512) : Buffer.concat([tail, chunk]).subarray(-512);
    yield chunk;
  }
  if (tail.length < 512) throw new ArchiveError('not-an-archive', 'too short for a tar');
  if (tail.some((byte) => byte !== 0)) throw new ArchiveError('truncated', 'the tar lacks its end mark');
}

/** Names as latin1 of their bytes: pax records come decoded as UTF-8. */
function namesOf(header: Header): { name: string; linkname?: string } {
  const { pax, name, linkname } = header;
  const has = (record: string): boolean => typeof pax === 'object' && pax !== null && record in pax;
  return {
    name: has('path') ? latin1Of(name) : name,
    linkname: has('linkpath') && linkname ? latin1Of(linkname) : linkname,
  };
}

function latin1Of(text: string): string {
  if (text.includes('\ufffd')) throw new ArchiveError('unsafe-path', `${quoted(text)}: a pax name that is no UTF-8`);
  return Buffer.from(text, 'utf8').toString('latin1');
}

function tarError(error: unknown): Error {
  if (error instanceof ArchiveError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ArchiveError(/end of data/i.test(message) ? 'truncated' : 'malformed', `tar: ${message}`, {
    cause: error,
  });
}
