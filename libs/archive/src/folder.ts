import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { ArchiveEntry, type EntryKind } from './entry.js';
import { ArchiveError } from './errors.js';
import { EntryGuard, quoted } from './guard.js';
import { type ArchiveLimits, kernelLimits } from './limits.js';

const maxDepth = 128;

/**
 * Reads a folder as if it were an archive, sorted by name, links unfollowed. A `.git` at its top is left out: it is the
 * checkout's, not the source's.
 * @throws ArchiveError while iterating.
 */
export async function* readFolder(folder: string, limits: ArchiveLimits = kernelLimits): AsyncGenerator<ArchiveEntry> {
  const guard = new EntryGuard(limits, { absoluteSymlinks: false });
  let left = limits.totalBytes;
  for await (const { path, name } of walk(Buffer.from(folder), '', 0)) {
    const stat = await io(lstat(name));
    const kind = kindOf(stat);
    if (!kind) throw new ArchiveError('special-file', `${quoted(path)} is a device, FIFO or socket`);
    const linkTarget = kind === 'symlink' ? (await io(readlink(name, 'buffer'))).toString('latin1') : undefined;
    const sizeBytes = kind === 'file' ? stat.size : 0;
    guard.admit({ path, kind, sizeBytes, linkTarget });
    left -= sizeBytes;
    if (left < 0) throw new ArchiveError('too-large', `the folder has more than ${limits.totalBytes} bytes`);
    yield new ArchiveEntry(path, kind, stat.mode & 0o7777, sizeBytes, contentOf(name, sizeBytes), linkTarget);
  }
  guard.finish();
}

async function* walk(folder: Buffer, prefix: string, depth: number): AsyncGenerator<{ path: string; name: Buffer }> {
  if (depth > maxDepth) throw new ArchiveError('unsafe-path', `folders nested more than ${maxDepth} deep`);
  const items = await io(readdir(folder, { withFileTypes: true, encoding: 'buffer' }));
  for (const item of items.toSorted((a, b) => Buffer.compare(a.name, b.name))) {
    const text = item.name.toString('latin1');
    if (prefix === '' && text === '.git') continue;
    const name = Buffer.concat([folder, Buffer.from('/'), item.name]);
    const path = `${prefix}${text}`;
    yield { path, name };
    if (item.isDirectory()) yield* walk(name, `${path}/`, depth + 1);
  }
}

/** A file's bytes: as many as it had when it was looked at, so that one that grows can't pass the limits. */
async function* contentOf(name: Buffer, sizeBytes: number): AsyncGenerator<Buffer> {
  if (sizeBytes === 0) return;
  let seen = 0;
  try {
    for await (const chunk of createReadStream(name, { end: sizeBytes - 1 }) as AsyncIterable<Buffer>) {
      seen += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw new ArchiveError('read-failed', String(error), { cause: error });
  }
  if (seen !== sizeBytes) throw new ArchiveError('read-failed', 'a file shrank while it was read');
}

function kindOf(stat: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): EntryKind | undefined {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  return stat.isSymbolicLink() ? 'symlink' : undefined;
}

async function io<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new ArchiveError('read-failed', String(error), { cause: error });
  }
}
