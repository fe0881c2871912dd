import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Git } from './git.js';

const maxListBytes = 2 ** 30;
const maxPatchBytes = 64 * 2 ** 30;
/** Nothing that the repository's configuration names is run, and nothing is fetched. */
const safety = [
  'log.showSignature=false',
  'protocol.allow=never',
  'core.fsmonitor=false',
  'diff.renameLimit=5000',
].flatMap((setting) => ['-c', setting]);

/** The commits of somebody else's repository. */
export interface ForeignCommits {
  /** Oldest first, without merges, and without those of which the repository lacks what came before. */
  readonly ids: readonly string[];
  /** Commits at which a shallow clone ends: against nothing, their patches would be whole trees. */
  readonly shallow: readonly string[];
}

/**
 * Lists commits of somebody else's repository.
 * @param gitDir the repository itself (`.git`, or a bare one).
 * @param range as git-log(1) takes it; all branches and tags when absent. @throws TreeError
 */
export async function foreignCommits(gitDir: string, range?: string): Promise<ForeignCommits> {
  const of = range === undefined ? ['--branches', '--tags', '--remotes'] : ['--end-of-options', range];
  const args = [...safety, 'rev-list', '--reverse', '--topo-order', '--no-merges', ...of, '--'];
  const listed = lines(await new Git(gitDir).run(args, { maxBytes: maxListBytes }));
  const shallow = await shallowCommits(gitDir);
  const cut = new Set(shallow);
  return { ids: listed.filter((id) => !cut.has(id)), shallow };
}

/** What the branches and tags of a repository point at, sorted: two that are the same have the same commits. */
export async function foreignTips(gitDir: string): Promise<readonly string[]> {
  const refs = ['refs/heads', 'refs/tags', 'refs/remotes'];
  const args = [...safety, 'for-each-ref', '--format=%(objectname)', ...refs];
  const tips = lines(await new Git(gitDir).run(args, { maxBytes: maxListBytes }));
  return [...new Set([...tips, ...(await shallowCommits(gitDir))])].sort();
}

/** How much of a patch is wanted: all that applying it needs, or only its changed lines. */
export type PatchShape = 'whole' | 'changed-lines';

/**
 * The patches of commits as an mbox, in the order given; a message for every commit, also for one that changes nothing. Breaks off
 * at a commit of which the repository lacks an object. @throws TreeError
 */
export function foreignPatches(gitDir: string, ids: readonly string[], shape: PatchShape): AsyncGenerator<Buffer> {
  if (ids.some((id) => !/^[0-9a-f]{40,64}$/.test(id))) throw new RangeError('no commit id');
  const form = shape === 'whole' ? ['--binary', '-M'] : ['-U0', '--no-renames'];
  const plain = ['--no-color', '--no-notes', '--no-ext-diff', '--no-textconv', '--src-prefix=a/', '--dst-prefix=b/'];
  return new Git(gitDir).stream(
    [
      ...safety,
      'diff-tree',
      '--stdin',
      '--always',
      '--root',
      '-p',
      '--pretty=mboxrd',
      '--full-index',
      ...plain,
      ...form,
    ],
    { input: ids.map((id) => `${id}\n`).join(''), maxBytes: maxPatchBytes },
  );
}

async function shallowCommits(gitDir: string): Promise<string[]> {
  return lines(await readFile(join(gitDir, 'shallow')).catch(() => Buffer.alloc(0)));
}

function lines(output: Buffer): string[] {
  return output
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '');
}
