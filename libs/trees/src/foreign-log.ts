import { Git } from './git.js';

const maxLogBytes = 64 * 2 ** 30;

/**
 * The commits of somebody else's repository as an mbox of patches, oldest first, as it streams from git. Nothing that the repository's
 * configuration names is run, and nothing is fetched.
 * @param gitDir the repository itself (`.git`, or a bare one).
 * @param range as git-log(1) takes it; all branches and tags when absent. @throws TreeError
 */
export function foreignLog(gitDir: string, range?: string): AsyncGenerator<Buffer> {
  const safety = ['log.showSignature=false', 'protocol.allow=never', 'core.fsmonitor=false', 'diff.renameLimit=5000'];
  const format = ['--pretty=email', '-p', '--binary', '-M', '--full-index', '--no-color', '--no-notes', '--root'];
  return new Git(gitDir).stream(
    [
      ...safety.flatMap((setting) => ['-c', setting]),
      'log',
      '--reverse',
      '--topo-order',
      '--no-merges',
      '--no-ext-diff',
      '--no-textconv',
      '--no-show-signature',
      '--src-prefix=a/',
      '--dst-prefix=b/',
      ...format,
      ...(range === undefined ? ['--branches', '--tags', '--remotes'] : ['--end-of-options', range]),
      '--',
    ],
    { maxBytes: maxLogBytes },
  );
}
