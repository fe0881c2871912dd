import { access, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { GitId } from '#libs/contracts';
import { applyToTree } from './apply-patch.js';
import { readBlobs, readObjects } from './blobs.js';
import { checkoutFiles } from './checkout.js';
import { FastImport } from './fast-import.js';
import { Git, GitFailure } from './git.js';
import { GitTreeWriter } from './git-tree-writer.js';
import { diffTrees, listTree } from './listing.js';
import {
  type CommitText,
  type NewCommit,
  type StoredCommit,
  type StoredSeries,
  type TreeChange,
  type TreeEntry,
  TreeError,
  TreeStore,
  type TreeWriter,
} from './port.js';
import { Quarantine } from './quarantine.js';
import { sweepScratch } from './scratch.js';
import { SeriesReader } from './series-reader.js';

const maxBlobBytes = 64 * 2 ** 20;
const maxPatchBytes = 256 * 2 ** 20;
const seriesRef = 'refs/heads/series';

/**
 * Keeps trees in a bare git repository (made where there is none). What git can't hold isn't kept: empty folders, owners,
 * times, and of the permissions all but "executable". Nothing is ever collected: gc is off, and `refs/drops/<tree>` holds
 * each tree that was written.
 */
export class GitTreeStore extends TreeStore {
  private readonly git: Git;
  private readonly dir: string;
  private readonly incoming: string;
  private readonly objects: string;
  private opened: Promise<void> | undefined;

  constructor(dir: string) {
    super();
    this.dir = resolve(dir);
    this.incoming = join(this.dir, 'incoming');
    this.objects = join(this.dir, 'objects');
    this.git = new Git(this.dir);
  }

  async writeTree(): Promise<TreeWriter> {
    await this.open();
    const quarantine = await Quarantine.open(this.incoming, { from: [this.objects], to: this.objects });
    return new GitTreeWriter(quarantine, (tree, commit) => this.setRef(`refs/drops/${tree}`, commit));
  }

  async hasTree(tree: GitId): Promise<boolean> {
    await this.open();
    const type = await this.git.run(['cat-file', '-t', tree]).catch(expectFailure);
    return type?.toString('latin1').trim() === 'tree';
  }

  async diff(before: GitId, after: GitId): Promise<readonly TreeChange[]> {
    await this.need(before, after);
    return diffTrees(this.git, before, after);
  }

  async list(tree: GitId, under?: readonly string[]): Promise<readonly TreeEntry[]> {
    await this.need(tree);
    return listTree(this.git, tree, under);
  }

  async readBlobs(blobs: readonly GitId[], maxBytes = maxBlobBytes): Promise<readonly Buffer[]> {
    await this.open();
    const contents: Buffer[] = [];
    for await (const content of readBlobs(this.git, blobs, maxBytes)) contents.push(content);
    return contents;
  }

  async readFile(tree: GitId, path: string): Promise<Buffer | undefined> {
    await this.need(tree);
    for await (const object of readObjects(this.git, [`${tree}:${path}`], maxBlobBytes)) {
      if (object?.type === 'blob') return object.content;
    }
    return undefined;
  }

  async checkout(tree: GitId, paths: readonly string[], folder: string): Promise<void> {
    await this.need(tree);
    await mkdir(folder, { recursive: true });
    await checkoutFiles(this.git, tree, paths, folder);
  }

  async commitSeries(
    first: CommitText & { readonly tree: GitId; readonly onto?: GitId },
    commits: readonly NewCommit[],
  ): Promise<readonly StoredCommit[]> {
    await this.need(first.tree);
    const { onto } = first;
    if (onto !== undefined) await this.needCommit(onto, first.tree);
    // Nothing to write: it ends where it begins.
    if (onto !== undefined && commits.length === 0) return [{ commit: onto, tree: first.tree }];
    const quarantine = await Quarantine.open(this.incoming, { from: [this.objects], to: this.objects });
    try {
      await importSeries(quarantine.git, first, commits);
      const range = onto === undefined ? seriesRef : `${onto}..${seriesRef}`;
      const log = await quarantine.git.run(['log', '--first-parent', '--reverse', '--format=%H %T', range]);
      await quarantine.promote();
      const lines = log.toString('latin1').trim().split('\n');
      const written = lines.map((line) => ({ commit: line.slice(0, 40), tree: line.slice(41) }));
      return onto === undefined ? written : [{ commit: onto, tree: first.tree }, ...written];
    } catch (error) {
      await quarantine.discard();
      throw error;
    }
  }

  async patchOf(commit: GitId): Promise<Buffer> {
    await this.open();
    const args = ['diff-tree', '-p', '-r', '--root', '--no-commit-id', '--no-renames', '--full-index', '--binary'];
    return this.git.run([...args, commit], { maxBytes: maxPatchBytes }).catch((error: unknown) => {
      throw error instanceof GitFailure ? new TreeError('tree-not-found', `there is no commit ${commit}`) : error;
    });
  }

  async applyPatch(tree: GitId, patch: Uint8Array): Promise<GitId> {
    await this.need(tree);
    return applyToTree(this.git, this.incoming, tree, patch);
  }

  async series(head: GitId, onto?: GitId): Promise<StoredSeries> {
    await this.open();
    return await SeriesReader.at(this.git, head, onto);
  }

  async setRef(ref: string, commit: GitId): Promise<void> {
    await this.open();
    if (!ref.startsWith('refs/')) throw new TreeError('tree-store-failed', `${ref} is no full name of a ref`);
    await this.git.run(['update-ref', ref, commit]);
  }

  private open(): Promise<void> {
    // A failure (a full disk) isn't kept: the next call tries again.
    this.opened ??= this.prepare().catch((error: unknown) => {
      this.opened = undefined;
      throw error;
    });
    return this.opened;
  }

  private async prepare(): Promise<void> {
    await mkdir(this.incoming, { recursive: true });
    const there = await access(join(this.dir, 'HEAD')).then(
      () => true,
      () => false,
    );
    if (!there) await this.git.run(['init', '--bare', '--quiet', '--template=', '--initial-branch=main']);
    await mkdir(join(this.objects, 'pack'), { recursive: true });
    await sweepScratch(this.incoming);
  }

  private async needCommit(commit: GitId, tree: GitId): Promise<void> {
    const found = await this.git.run(['rev-parse', '--verify', '--quiet', `${commit}^{tree}`]).catch(expectFailure);
    if (found === undefined) throw new TreeError('commit-not-found', `there is no commit ${commit}`);
    const its = found.toString('latin1').trim();
    if (its !== tree) throw new TreeError('other-tree', `commit ${commit} has the tree ${its}, not ${tree}`);
  }

  private async need(...trees: readonly GitId[]): Promise<void> {
    for (const tree of trees) {
      if (!(await this.hasTree(tree))) throw new TreeError('tree-not-found', `there is no tree ${tree}`);
    }
  }
}

async function importSeries(
  git: Git,
  first: CommitText & { readonly tree: GitId; readonly onto?: GitId },
  commits: readonly NewCommit[],
): Promise<void> {
  const importer = new FastImport(git);
  try {
    if (first.onto === undefined) {
      await importer.commit(seriesRef, 1, first);
      await importer.tree(first.tree);
    }
    for (const [at, commit] of commits.entries()) {
      await importer.commit(seriesRef, at + 2, commit, (at === 0 && first.onto) || `:${at + 1}`);
      for (const { path, after } of commit.changes) {
        if (after) await importer.file(path, after.mode, after.content);
        else await importer.remove(path);
      }
    }
    await importer.finish();
  } catch (error) {
    await importer.kill();
    throw error;
  }
}

function expectFailure(error: unknown): undefined {
  if (error instanceof GitFailure) return undefined;
  throw error;
}
