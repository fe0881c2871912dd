import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Git } from './git.js';
import { scratchFolder } from './scratch.js';

/**
 * A repository of its own for objects that aren't whole yet. It sees the store's objects (so that only new ones are written) and
 * nobody sees its own until `promote` moves the finished packs over.
 */
export class Quarantine {
  private constructor(
    readonly git: Git,
    private readonly folder: string,
    private readonly storeObjects: string,
  ) {}

  /** Opens one in the folder `incoming`, over the objects of the repository `storeDir`. */
  static async open(storeDir: string, incoming: string): Promise<Quarantine> {
    const folder = await scratchFolder(incoming);
    const objects = join(storeDir, 'objects');
    const gitDir = join(folder, 'repo');
    await mkdir(join(gitDir, 'objects', 'info'), { recursive: true });
    await mkdir(join(gitDir, 'refs'));
    await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n');
    await writeFile(join(gitDir, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
    await writeFile(join(gitDir, 'objects', 'info', 'alternates'), `${objects}\n`);
    return new Quarantine(new Git(gitDir), folder, objects);
  }

  /** Moves the finished packs into the store. Safe to be killed in: a pack counts from the moment that its index is there. */
  async promote(): Promise<void> {
    const from = join(this.git.gitDir, 'objects', 'pack');
    const to = join(this.storeObjects, 'pack');
    const names = (await readdir(from).catch(() => [])).filter((name) => /^pack-[0-9a-f]+\.(?:pack|idx)$/.test(name));
    for (const name of names.sort(packFirst)) await rename(join(from, name), join(to, name));
    await this.discard();
  }

  async discard(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

function packFirst(a: string, b: string): number {
  return Number(a.endsWith('.idx')) - Number(b.endsWith('.idx'));
}
