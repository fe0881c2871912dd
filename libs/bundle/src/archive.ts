import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { extract, type Header, pack } from 'tar-stream';
import { BundleError } from './errors.js';

export interface ArchiveLimits {
  /** Of the tar.gz as it comes. */
  readonly packedBytes: number;
  /** Of the tar in it: stops a gzip bomb before it is inflated. */
  readonly unpackedBytes: number;
  readonly entries: number;
}

const inflate = promisify(gunzip);
const deflate = promisify(gzip);

/**
 * Packs files into a tar.gz whose bytes follow from them alone: sorted names, no owner, no times, one mode, and a gzip
 * header that names no system (RFC 1952: OS 255).
 */
export async function packArchive(files: ReadonlyMap<string, Uint8Array>): Promise<Buffer> {
  const tar = pack();
  const names = [...files.keys()].sort();
  for (const name of names) {
    const header = { name, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), type: 'file' as const };
    tar.entry(header, Buffer.from(files.get(name) ?? []));
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  const packed = await deflate(Buffer.concat(chunks), { level: 9 });
  packed[9] = 255;
  return packed;
}

/**
 * Reads all plain files of a tar.gz into memory, within bounds.
 * @throws BundleError `malformed-archive`, `bundle-too-large`, `too-many-entries`, `unexpected-entry`, `duplicate-entry`.
 */
export async function unpackArchive(bytes: Uint8Array, limits: ArchiveLimits): Promise<Map<string, Buffer>> {
  if (bytes.length > limits.packedBytes) {
    throw new BundleError('bundle-too-large', `${bytes.length} bytes, at most ${limits.packedBytes} are taken`);
  }
  return readTar(await inflateWithin(bytes, limits.unpackedBytes), limits.entries);
}

async function inflateWithin(bytes: Uint8Array, maxBytes: number): Promise<Buffer> {
  try {
    return await inflate(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new BundleError('bundle-too-large', `unpacked it has more than ${maxBytes} bytes`, { cause });
    }
    throw new BundleError('malformed-archive', 'not a whole gzip stream', { cause });
  }
}

async function readTar(tar: Buffer, maxEntries: number): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const entries = extract();
  entries.end(tar);
  try {
    for await (const entry of entries) {
      refuseEntry(entry.header, files, maxEntries);
      const chunks: Buffer[] = [];
      for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
      files.set(entry.header.name, Buffer.concat(chunks));
    }
  } catch (cause) {
    if (cause instanceof BundleError) throw cause;
    throw new BundleError('malformed-archive', 'not a whole tar archive', { cause });
  }
  return files;
}

function refuseEntry(header: Header, files: ReadonlyMap<string, Buffer>, maxEntries: number): void {
  const name = JSON.stringify(header.name);
  if (files.size >= maxEntries) throw new BundleError('too-many-entries', `more than ${maxEntries} entries`);
  // A link, device or folder has no place in a bundle, whatever its name.
  if (header.type !== 'file')
    throw new BundleError('unexpected-entry', `${name} is a ${header.type ?? 'strange entry'}`);
  if (files.has(header.name)) throw new BundleError('duplicate-entry', `${name} stands twice`);
}
