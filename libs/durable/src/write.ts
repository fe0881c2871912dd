import { randomBytes } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncPath } from './sync-path.js';

/**
 * Replaces a file as a whole, and durably: a reader never sees half of it, and a power cut leaves the old one or the new one. A version that was
 * trusted, or a name that an event speaks of, must not be forgotten by it.
 *
 * @param mode the file's permissions, whatever the process's mask is.
 */
export function writeDurably(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  return place(path, content, mode, rename);
}

/**
 * Makes a file where there is none yet, whole or not at all, and durably. Of two processes that make the same one at once, one does, and the other
 * is told. @throws the system's error, `EEXIST` where there is one.
 */
export function createDurably(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  // A second name for the draft is only given where there is no such name yet (link(2)).
  return place(path, content, mode, async (draft) => {
    await link(draft, path);
    await rm(draft);
  });
}

async function place(
  path: string,
  content: string | Uint8Array,
  mode: number,
  move: (draft: string, path: string) => Promise<void>,
): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    const file = await open(draft, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await move(draft, path);
  } catch (cause) {
    await rm(draft, { force: true });
    throw cause;
  }
  await syncPath(dirname(path));
}
