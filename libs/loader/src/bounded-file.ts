import { open } from 'node:fs/promises';
import { LoaderError } from './errors.js';

/** Files of /sys and /proc tell no size before they are read. */
const defaultMaxBytes = 64 * 1024;

/** @returns the file's bytes; undefined where there is no such file (tasks and patches vanish while they are looked at). @throws LoaderError `unreadable`. */
export async function readBounded(path: string, maxBytes = defaultMaxBytes): Promise<Buffer | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const buffer = Buffer.alloc(maxBytes + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
        length += bytesRead;
        if (bytesRead === 0) return buffer.subarray(0, length);
        if (length > maxBytes) throw new LoaderError('unreadable', `${path} has more than ${maxBytes} bytes`);
      }
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof LoaderError) throw cause;
    if (isGone(cause)) return undefined;
    throw new LoaderError('unreadable', `${path}: ${String(cause)}`, [], { cause });
  }
}

/** The file's text without white space around it; undefined where there is no such file. */
export async function readText(path: string, maxBytes?: number): Promise<string | undefined> {
  return (await readBounded(path, maxBytes))?.toString('utf8').trim();
}

/** ESRCH is what /proc says of a task that ended between open and read; ENODEV what /sys says of a patch that went. */
function isGone(cause: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'ENOTDIR', 'ENODEV'].includes((cause as NodeJS.ErrnoException).code ?? '');
}
