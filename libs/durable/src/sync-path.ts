import { open } from 'node:fs/promises';

/** Brings a file's bytes, or the names in a folder, to the disk: syncing a file doesn't bring its name there (fsync(2)). */
export async function syncPath(path: string): Promise<void> {
  const opened = await open(path, 'r');
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}
