import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CachedPackage } from '#libs/apt';

const run = promisify(execFile);

/** What of the vendor's tree the tests need: some real files with all Makefiles. */
const subset = {
  anywhere: ['Makefile', 'Kbuild', '*/Makefile', '*/Kbuild'],
  here: ['fs/*.c', 'fs/*.h', 'fs/proc/*', 'drivers/net/dummy.c', 'net/8021q/*', 'net/9p/*'],
};

/** Takes the subset out of the vendor's source package, once: half a minute for `xz`. */
export async function unpackSubset(source: CachedPackage, cacheDir: string): Promise<string> {
  const content = createHash('sha256').update(JSON.stringify(subset)).digest('hex').slice(0, 8);
  const folder = join(cacheDir, `subset-${content}-${source.version}`);
  if (await exists(folder)) return folder;
  const partial = await mkdtemp(`${folder}.part-`);
  const name = source.name;
  const below = (patterns: readonly string[]): string[] => patterns.map((pattern) => `${name}/${pattern}`);
  const patterns = [...below(subset.anywhere), '--no-wildcards-match-slash', ...below(subset.here)];
  const pipeline =
    'set -o pipefail; dpkg-deb --fsys-tarfile "$1" | tar -xO "./usr/src/$2.tar.xz" | xz -dc | ' +
    'tar -x -C "$3" --strip-components=1 --wildcards "${@:4}"';
  await run('bash', ['-c', pipeline, 'subset', source.file, name, partial, ...patterns]);
  await rename(partial, folder).catch(async (cause: unknown) => {
    // Two suites may do this at once.
    if (!(await exists(folder))) throw cause;
    await rm(partial, { recursive: true, force: true });
  });
  return folder;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
