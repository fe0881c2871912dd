import { type FileHandle, open, stat } from 'node:fs/promises';
import { ArchiveError, whyNotOpened } from './errors.js';
import { quoted } from './guard.js';

/** A member of an `ar` archive: where its bytes lie in the file. */
export interface ArMember {
  readonly name: string;
  readonly start: number;
  readonly sizeBytes: number;
}

const magic = '!<arch>\n';
const headerBytes = 60;
const maxMembers = 64;

/**
 * Lists an ar archive's members (deb(5); ar(5): 16 bytes of name, 10 of size at 48, "`\n" at 58, members on even offsets).
 * @throws ArchiveError `not-an-archive`, `malformed`, `truncated`.
 */
export async function listAr(file: string): Promise<readonly ArMember[]> {
  let handle: FileHandle;
  try {
    // A FIFO would be waited for.
    if (!(await stat(file)).isFile()) throw new TypeError('no plain file');
    handle = await open(file, 'r');
  } catch (error) {
    throw new ArchiveError('read-failed', whyNotOpened(error), { cause: error });
  }
  try {
    return await readMembers(handle);
  } finally {
    await handle.close();
  }
}

async function readMembers(handle: FileHandle): Promise<ArMember[]> {
  const { size } = await handle.stat();
  const members: ArMember[] = [];
  if ((await textAt(handle, 0, magic.length)) !== magic) throw new ArchiveError('not-an-archive', 'no ar archive');
  let at = magic.length;
  while (at < size) {
    const header = await textAt(handle, at, headerBytes);
    if (header.length < headerBytes) throw new ArchiveError('truncated', 'the ar archive ends inside of a header');
    const name = header.slice(0, 16).trimEnd().replace(/\/$/, '');
    const digits = header.slice(48, 58).trimEnd();
    if (header.slice(58) !== '`\n' || !/^\d{1,10}$/.test(digits)) {
      throw new ArchiveError('malformed', `a broken ar header at byte ${at}`);
    }
    const sizeBytes = Number(digits);
    const start = at + headerBytes;
    if (start + sizeBytes > size) throw new ArchiveError('truncated', `the file ends inside of ${quoted(name)}`);
    members.push({ name, start, sizeBytes });
    if (members.length > maxMembers) throw new ArchiveError('too-many-entries', `more than ${maxMembers} ar members`);
    at = start + sizeBytes + (sizeBytes % 2);
  }
  return members;
}

async function textAt(handle: FileHandle, position: number, length: number): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead).toString('latin1');
}
