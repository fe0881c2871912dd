import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncPath } from '#libs/durable';
import { Git } from './git.js';
import { scratchFolder } from './scratch.js';

/** Folders of objects, as `objects/` of a repository. */
export interface QuarantineObjects {
  /** What it sees, so that only what is new is written. */
  readonly from: readonly string[];
  /** Where what it made goes. */
  readonly to: string;
}

/**
 * A repository of its own for objects that aren't whole yet. It sees other repositories' objects and nobody sees its own until
 * `promote` moves the finished packs over.
 */
export class Quarantine {
  private constructor(
    readonly git: Git,
    private readonly folder: string,
    private readonly to: string,
  ) {}

  /** Opens one in the folder `incoming`, which is on the file system of `to`. */
  static async open(incoming: string, { from, to }: QuarantineObjects): Promise<Quarantine> {
    const folder = await scratchFolder(incoming);
    const gitDir = join(folder, 'repo');
    await mkdir(join(gitDir, 'objects', 'info'), { recursive: true });
    await mkdir(join(gitDir, 'objects', 'pack'));
    await mkdir(join(gitDir, 'refs'));
    await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n');
    await writeFile(join(gitDir, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
    await writeFile(join(gitDir, 'objects', 'info', 'alternates'), from.map((objects) => `${objects}\n`).join(''));
    return new Quarantine(new Git(gitDir), folder, to);
  }

  /**
   * Moves the finished packs over, and gives their names (`pack-<hash>`). Safe to be killed in: a pack counts from the moment that
   * its index is there, so that comes last.
   */
  async promote(): Promise<readonly string[]> {
    const from = join(this.git.gitDir, 'objects', 'pack');
    const to = join(this.to, 'pack');
    const names = (await readdir(from)).filter((name) => /^pack-[0-9a-f]+\.(?:pack|bitmap|idx)$/.test(name));
    for (const name of names.sort(indexLast)) await rename(join(from, name), join(to, name));
    await syncPath(to);
    await this.discard();
    return names.filter((name) => name.endsWith('.idx')).map((name) => name.slice(0, -'.idx'.length));
  }

  async discard(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

function indexLast(a: string, b: string): number {
  return Number(a.endsWith('.idx')) - Number(b.endsWith('.idx'));
}
