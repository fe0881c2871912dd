import { ByteReader } from './byte-reader.js';
import { decompress } from './decompress.js';
import { ArchiveEntry } from './entry.js';
import { ArchiveError } from './errors.js';
import { EntryGuard, quoted } from './guard.js';
import { type ArchiveLimits, InflationGauge, maxPathBytes } from './limits.js';

/** cpio(5), "New ASCII Format": magic, then 13 fields of 8 hex digits; name and data padded to 4 bytes. */
const headerBytes = 110;
const trailer = 'TRAILER!!!';
const fileType = { mask: 0o170000, regular: 0o100000, directory: 0o040000 };

/**
 * Reads a cpio archive in the newc format, compressed or not, as an RPM's payload is. Only plain files and folders: nothing
 * else stands in a source package.
 * @throws ArchiveError while iterating.
 */
export async function* readCpio(packed: AsyncIterable<Buffer>, limits: ArchiveLimits): AsyncGenerator<ArchiveEntry> {
  const guard = new EntryGuard(limits, { absoluteSymlinks: false });
  const reader = new ByteReader(decompress(packed, new InflationGauge(limits)));
  try {
    for (;;) {
      const { name, mode, sizeBytes } = await readHeader(reader);
      if (name === trailer) return;
      const end = reader.position + sizeBytes + padding(sizeBytes);
      const kind = kindOf(name, mode);
      const admitted = guard.admit({ path: name, kind, sizeBytes });
      const chunks = reader.pass(sizeBytes);
      if (admitted) yield new ArchiveEntry(admitted.path, kind, mode & 0o7777, sizeBytes, chunks);
      await chunks.return(undefined);
      await reader.skip(end - reader.position);
    }
  } finally {
    await reader.close();
  }
}

async function readHeader(reader: ByteReader): Promise<{ name: string; mode: number; sizeBytes: number }> {
  const header = (await reader.take(headerBytes)).toString('latin1');
  if (!/^07070[12][0-9a-fA-F]{104}$/.test(header)) {
    throw new ArchiveError('malformed', `no cpio header of the newc format at byte ${reader.position - headerBytes}`);
  }
  const field = (at: number): number => Number.parseInt(header.slice(6 + 8 * at, 14 + 8 * at), 16);
  const [mode, links, sizeBytes, nameBytes] = [field(1), field(4), field(6), field(11)];
  if (nameBytes < 2 || nameBytes > maxPathBytes)
    throw new ArchiveError('malformed', `a cpio name of ${nameBytes} bytes`);
  const name = (await reader.take(nameBytes)).toString('latin1').slice(0, -1);
  await reader.skip(padding(headerBytes + nameBytes));
  if (links > 1 && (mode & fileType.mask) === fileType.regular && name !== trailer) {
    throw new ArchiveError('unsupported-format', `${quoted(name)} is a hard link in a cpio archive`);
  }
  return { name, mode, sizeBytes };
}

function kindOf(name: string, mode: number): 'file' | 'directory' {
  if ((mode & fileType.mask) === fileType.regular) return 'file';
  if ((mode & fileType.mask) === fileType.directory) return 'directory';
  throw new ArchiveError('special-file', `${quoted(name)} is neither file nor folder (mode ${mode.toString(8)})`);
}

function padding(sizeBytes: number): number {
  return (4 - (sizeBytes % 4)) % 4;
}
