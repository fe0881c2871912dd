import { randomBytes } from 'node:crypto';
import { open, rename } from 'node:fs/promises';

/** Writes a file that only its owner can read, whole or not at all. */
export async function writeOwnerOnly(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
