import { ArchiveError } from './errors.js';

const blockBytes = 512;
/** Of a file's pax records and GNU's long names: a path and a link target at their longest, and some times and owners. */
const maxBytes = 16 * 1024;
/** Of records for all files: git has 52 bytes, the commit. */
const maxGlobalBytes = 1024;

/**
 * Stops metadata of absurd size before the parser gathers it: it copies records for all files anew at each file, so that
 * megabytes of them would take hours. Any block that looks like such a header counts, wherever it stands.
 * @throws ArchiveError `too-large`
 */
export async function* checkMetadata(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = all.length - (all.length % blockBytes);
    for (let at = 0; at < end; at += blockBytes) checkBlock(all, at);
    rest = all.subarray(end);
    yield chunk;
  }
}

/** ustar (tar(5)): size in octal at 124, type at 156, magic at 257. */
function checkBlock(bytes: Buffer, at: number): void {
  const type = bytes[at + 156];
  // x, g: pax; L, N, K: long names of GNU.
  if (type !== 0x78 && type !== 0x67 && type !== 0x4c && type !== 0x4e && type !== 0x4b) return;
  if (bytes.toString('latin1', at + 257, at + 262) !== 'ustar') return;
  const digits = bytes
    .toString('latin1', at + 124, at + 136)
    .replace(/[ \0]+$/, '')
    .trimStart();
  const sizeBytes = /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Infinity;
  if (sizeBytes > (type === 0x67 ? maxGlobalBytes : maxBytes))
    throw new ArchiveError('too-large', `a tar with ${sizeBytes} bytes of extended header`);
}
