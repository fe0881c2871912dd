import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GitId } from '#libs/contracts';
import { GitTreeStore, TreeError, type TreeMode } from '#libs/trees';

/** Path → content and mode; plain text means 100644. */
export type Files = Readonly<
  Record<string, string | Buffer | { readonly mode: TreeMode; readonly content: string | Buffer }>
>;

/** A store in a folder of its own. */
export class StoreUnderTest {
  readonly root = mkdtempSync(join(tmpdir(), 'trees-'));
  readonly dir = join(this.root, 'trees.git');
  readonly store = new GitTreeStore(this.dir);

  async write(files: Files): Promise<GitId> {
    const writer = await this.store.writeTree();
    for (const [path, file] of Object.entries(files)) {
      const { mode, content } =
        typeof file === 'object' && 'mode' in file ? file : { mode: '100644' as const, content: file };
      await writer.add(path, mode, Buffer.from(content as string));
    }
    return (await writer.finish()).tree;
  }

  /** Asks git itself, past the store. */
  git(...args: string[]): string {
    return execFileSync('git', ['--git-dir', this.dir, ...args], { encoding: 'latin1', stdio: 'pipe' }).trim();
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** What something is refused with; any other error is a defect, and thrown. */
export async function refusalOf(work: Promise<unknown>): Promise<Pick<TreeError, 'code' | 'paths' | 'object'>> {
  try {
    await work;
  } catch (error) {
    if (error instanceof TreeError) return { code: error.code, paths: error.paths, object: error.object };
    throw error;
  }
  throw new Error('it was not refused');
}
