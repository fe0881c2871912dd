import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeDurably } from '#libs/durable';

/** Where the repository's files lie, for mirrors to serve: `7.snapshot.json`, `timestamp.json`. */
export abstract class RepositoryFiles {
  /** Undefined if there is none. */
  abstract read(name: string): Promise<Uint8Array | undefined>;
  /** All or nothing. */
  abstract write(name: string, bytes: Uint8Array): Promise<void>;
}

/** In memory, for tests and benchmarks. */
export class MemoryFiles extends RepositoryFiles {
  readonly files = new Map<string, Uint8Array>();

  override async read(name: string): Promise<Uint8Array | undefined> {
    return this.files.get(name);
  }

  override async write(name: string, bytes: Uint8Array): Promise<void> {
    this.files.set(name, bytes);
  }
}

/** A folder. Names come from `fileNameOf`, which encodes what could leave it. */
export class FolderFiles extends RepositoryFiles {
  constructor(readonly folder: string) {
    super();
  }

  override async read(name: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(join(this.folder, name));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw cause;
    }
  }

  override async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeDurably(path, bytes, 0o644);
  }
}
