import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { GitId } from '#libs/contracts';
import { packCommits, packForClones } from './clone-pack.js';
import { Git, GitFailure } from './git.js';
import { TreeError } from './port.js';
import { Quarantine } from './quarantine.js';
import { scratchFolder, sweepScratch } from './scratch.js';
import { UploadPack, type UploadPackRequest } from './upload-pack.js';

/** What a public repository is to show. */
export interface PublicRefs {
  /** Branches by name, each with its last commit. */
  readonly branches: ReadonlyMap<string, GitId>;
  readonly tags: ReadonlyMap<string, GitId>;
  /** The branch that a clone checks out. */
  readonly head: string;
}

const repositoryName = /^[a-z0-9][a-z0-9-]{0,63}$/;
/** Stricter than git-check-ref-format(1): one level, nothing that a shell, a URL or a command of `update-ref` could misread. */
const refName = /^(?!.*\.lock$)[A-Za-z0-9][A-Za-z0-9_%+-]*(?:\.[A-Za-z0-9_%+-]+)*$/;
const none = '0'.repeat(40);

/** A ref and the commit that it is to show instead of the one before. */
interface Move {
  readonly ref: string;
  readonly before: GitId;
  readonly commit: GitId;
}

/**
 * The repositories that anybody may clone: `<name>.git` in a folder, each whole and with nothing but what its refs show, so that no
 * object that isn't public can be had from it by its id. What they have is copied from the tree store when it becomes public; a folder
 * that is lost is made again from the same refs. A ref is only ever added, or moved forward.
 */
export class PublicRepositories {
  private readonly dir: string;
  private readonly incoming: string;
  private readonly storeObjects: string;

  /** @param dir where the repositories are @param storeDir the repository of the tree store */
  constructor(dir: string, storeDir: string) {
    this.dir = resolve(dir);
    this.incoming = join(this.dir, 'incoming');
    this.storeObjects = join(resolve(storeDir), 'objects');
  }

  /** Whether a repository is there to be cloned. Any text may be asked about. */
  async has(name: string): Promise<boolean> {
    return repositoryName.test(name) && (await exists(join(this.dirOf(name), 'HEAD')));
  }

  /**
   * Brings a repository to these refs, and makes it where there is none. Repeated, or killed and repeated, it ends the same; of two at
   * once, git's own compare-and-swap lets one through.
   * @throws TreeError `would-rewrite` where a ref would lose a commit that it shows already: nothing is changed then
   */
  async publish(name: string, refs: PublicRefs): Promise<void> {
    const git = await this.open(name, refs.head);
    const shown = await refsOf(git);
    const moves = movesTo(refs, shown);
    // As they were made once: with no objects of their own, but all of the tree store's.
    const borrowed = join(git.gitDir, 'objects', 'info', 'alternates');
    const borrows = await exists(borrowed);
    if (moves.length > 0 || borrows) await this.bring(name, git, moves, { shown, anew: borrows });
    const commands = moves.map(({ ref, commit, before }) => `update ${ref} ${commit} ${before}\n`);
    if (commands.length > 0) await git.run(['update-ref', '--stdin'], { input: commands.join('') });
    if (borrows) await rm(borrowed);
    const head = `refs/heads/${refs.head}`;
    const now = (await git.run(['symbolic-ref', 'HEAD'])).toString('latin1').trim();
    if (now !== head) await git.run(['symbolic-ref', 'HEAD', head]);
  }

  /**
   * Packs a repository so that it is cloned at the cost of sending it. It may be cloned, and published to, meanwhile.
   * @returns after how many ms it is to be called again, if there is something left to do @throws TreeError
   */
  async pack(name: string, signal?: AbortSignal): Promise<number | undefined> {
    if (!(await this.has(name))) return undefined;
    await this.prepare();
    return packForClones(new Git(this.dirOf(name)), this.incoming, signal);
  }

  /** Starts git's own server on a repository, for one request. @throws TreeError `tree-not-found` */
  async uploadPack(name: string, request: UploadPackRequest): Promise<UploadPack> {
    if (!(await this.has(name))) throw new TreeError('tree-not-found', `there is no repository ${name}.git`);
    return new UploadPack(this.dirOf(name), request);
  }

  private async open(name: string, head: string): Promise<Git> {
    const gitDir = this.dirOf(checked(repositoryName, name));
    await this.prepare();
    if (!(await this.has(name))) await this.make(gitDir, checked(refName, head));
    return new Git(gitDir);
  }

  /** Copies what the moved refs show and it doesn't have yet (all, if `anew`) from the tree store. @throws TreeError `would-rewrite` */
  private async bring(
    name: string,
    git: Git,
    moves: readonly Move[],
    { shown, anew }: { readonly shown: ReadonlyMap<string, GitId>; readonly anew: boolean },
  ): Promise<void> {
    const own = join(git.gitDir, 'objects');
    const quarantine = await Quarantine.open(this.incoming, { from: [own, this.storeObjects], to: own });
    try {
      for (const { ref, before, commit } of moves) {
        if (before === none) continue;
        if (ref.startsWith('refs/heads/') && (await isAncestor(quarantine.git, before, commit))) continue;
        throw new TreeError('would-rewrite', `${name}.git: ${ref} shows ${before} and can't be made ${commit}`);
      }
      const wanted = moves.map(({ commit }) => commit);
      const known = [...shown.values()];
      await packCommits(quarantine.git, anew ? [...wanted, ...known] : wanted, anew ? [] : known);
      await quarantine.promote();
    } catch (error) {
      await quarantine.discard();
      throw error;
    }
  }

  /** Makes an empty repository and then gives it its name: none is ever seen half made. */
  private async make(gitDir: string, head: string): Promise<void> {
    const scratch = await scratchFolder(this.incoming);
    const draft = join(scratch, 'repository');
    try {
      for (const folder of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags']) {
        await mkdir(join(draft, folder), { recursive: true });
      }
      await writeFile(join(draft, 'HEAD'), `ref: refs/heads/${head}\n`);
      await writeFile(join(draft, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
      await rename(draft, gitDir).catch(async (error: unknown) => {
        // Somebody else made it in the meantime: theirs is the same.
        if ((await readdir(gitDir).catch(() => [])).length === 0) throw error;
      });
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  private async prepare(): Promise<void> {
    await mkdir(this.incoming, { recursive: true });
    await sweepScratch(this.incoming);
  }

  private dirOf(name: string): string {
    return join(this.dir, `${name}.git`);
  }
}

/** Which refs don't show yet what they are to show. */
function movesTo(refs: PublicRefs, shown: ReadonlyMap<string, GitId>): Move[] {
  const wanted = [
    ...[...refs.tags].map(([name, commit]) => [`refs/tags/${checked(refName, name)}`, commit] as const),
    ...[...refs.branches].map(([name, commit]) => [`refs/heads/${checked(refName, name)}`, commit] as const),
  ];
  return wanted
    .map(([ref, commit]) => ({ ref, commit, before: shown.get(ref) ?? none }))
    .filter(({ commit, before }) => before !== commit);
}

async function refsOf(git: Git): Promise<ReadonlyMap<string, GitId>> {
  const lines = (await git.run(['for-each-ref', '--format=%(objectname) %(refname)'])).toString('latin1').split('\n');
  return new Map(lines.filter((line) => line !== '').map((line) => [line.slice(41), line.slice(0, 40)]));
}

async function isAncestor(git: Git, before: GitId, after: GitId): Promise<boolean> {
  return git.run(['merge-base', '--is-ancestor', before, after]).then(
    () => true,
    (error: unknown) => {
      if (error instanceof GitFailure && error.exitCode === 1) return false;
      throw error;
    },
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function checked(pattern: RegExp, name: string): string {
  if (pattern.test(name)) return name;
  throw new TreeError('tree-store-failed', `${JSON.stringify(name)} can't name a public repository or ref`);
}
