import { lstat, readFile } from 'node:fs/promises';
import { createDurably } from '#libs/durable';
import { KeyFileError } from './errors.js';
import { type SealedKey, sealedKeySchema } from './sealed-key.js';

const maxBytes = 16 * 1024;

/** Writes a sealed key where there is no file yet, for its owner alone, to the disk. @throws KeyFileError `key-exists`. */
export async function writeKeyFile(path: string, sealed: SealedKey): Promise<void> {
  const text = `${JSON.stringify(sealed, null, 2)}\n`;
  await createDurably(path, text, 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new KeyFileError('key-exists', `${path} is there already: a key is never written over`);
  });
}

/** Reads a sealed key, still sealed. @throws KeyFileError `key-missing`, `keys-exposed`, `malformed-key`. */
export async function readKeyFile(path: string): Promise<SealedKey> {
  const text = await readOwnFile(path, maxBytes);
  try {
    return sealedKeySchema.parse(JSON.parse(text));
  } catch {
    throw new KeyFileError('malformed-key', `${path} holds no sealed key`);
  }
}

/** Reads a small file that only its owner may read. */
export async function readOwnFile(path: string, limitBytes: number): Promise<string> {
  const stat = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new KeyFileError('key-missing', `there is no ${path}`);
  });
  if (!stat.isFile()) throw new KeyFileError('keys-exposed', `${path} is no plain file`);
  if (!isOwnerOnly(stat)) throw new KeyFileError('keys-exposed', `${path} can be reached by others: chmod 0600 it`);
  if (stat.size > limitBytes) throw new KeyFileError('malformed-key', `${path} has more than ${limitBytes} bytes`);
  return readFile(path, 'utf8');
}

/** Whether only the user that runs this can reach a file or folder. */
export function isOwnerOnly({ mode, uid }: { readonly mode: number; readonly uid: number }): boolean {
  return (mode & 0o077) === 0 && (process.getuid === undefined || uid === process.getuid());
}
