import type { GitId } from '#libs/contracts';
import { FastImport } from './fast-import.js';
import type { TreeMode, TreeWriter } from './port.js';
import { TreeError } from './port.js';
import type { Quarantine } from './quarantine.js';

const ref = 'refs/heads/tree';
/** The commit that keeps a tree from being collected says nothing of its own, so that the same tree has the same one. */
const holder = {
  author: { name: 'Splicecast', email: 'splicecast@localhost', at: new Date(0) },
  message: 'A source tree\n',
};

/** Streams a tree into a pack of its own, in quarantine. */
export class GitTreeWriter implements TreeWriter {
  private files = 0;
  private bytes = 0;
  private begun = false;
  private open = true;
  private readonly importer: FastImport;

  constructor(
    private readonly quarantine: Quarantine,
    private readonly keep: (tree: GitId, commit: GitId) => Promise<void>,
  ) {
    this.importer = new FastImport(quarantine.git);
  }

  async add(path: string, mode: TreeMode, content: Uint8Array): Promise<void> {
    await this.begin();
    this.files += 1;
    this.bytes += content.length;
    await this.importer.file(path, mode, content);
  }

  async copy(from: string, to: string): Promise<void> {
    await this.begin();
    this.files += 1;
    await this.importer.copy(from, to);
  }

  async finish(): Promise<{ tree: GitId; files: number; bytes: number }> {
    await this.begin();
    this.open = false;
    try {
      await this.importer.finish();
      const ids = (await this.quarantine.git.run(['rev-parse', ref, `${ref}^{tree}`]))
        .toString('latin1')
        .trim()
        .split('\n');
      const [commit, tree] = ids;
      if (commit === undefined || tree === undefined) throw new TreeError('tree-store-failed', 'git made no tree');
      await this.quarantine.promote();
      await this.keep(tree, commit);
      return { tree, files: this.files, bytes: this.bytes };
    } catch (error) {
      await this.quarantine.discard();
      throw error;
    }
  }

  async abort(): Promise<void> {
    if (!this.open) return;
    this.open = false;
    await this.importer.kill();
    await this.quarantine.discard();
  }

  private async begin(): Promise<void> {
    if (!this.open) throw new TreeError('tree-store-failed', 'the tree is finished already');
    if (this.begun) return;
    this.begun = true;
    await this.importer.commit(ref, 1, holder);
  }
}
