import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '#libs/durable';
import { fileNameOf } from '../metadata/names.js';
import { MetadataStore } from './store.js';

const maxStoredBytes = 64 * 1024 * 1024;

/** The store as a folder: `root.json`, `timestamp.json`, …; a role's name is encoded, so that it can't leave the folder. */
export class FileStore extends MetadataStore {
  constructor(readonly folder: string) {
    super();
  }

  override async read(role: string): Promise<Uint8Array | undefined> {
    const path = this.#pathOf(role);
    try {
      if ((await stat(path)).size > maxStoredBytes) return undefined;
      return await readFile(path);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw cause;
    }
  }

  override async write(role: string, bytes: Uint8Array): Promise<void> {
    await writeDurably(this.#pathOf(role), bytes, 0o644);
  }

  override async remove(role: string): Promise<void> {
    await rm(this.#pathOf(role), { force: true });
  }

  #pathOf(role: string): string {
    return join(this.folder, fileNameOf(role));
  }
}
