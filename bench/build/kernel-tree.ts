import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '#libs/process';

const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' };

/** Seconds that kbuild takes for objects of a prepared tree, each made anew twice, as before and after a fix. */
export async function makeTwice(tree: string, objects: readonly string[]): Promise<number> {
  const began = performance.now();
  for (let time = 0; time < 2; time++) {
    for (const object of objects) await rm(join(tree, object), { force: true });
    await run('make', ['-s', ...objects], { cwd: tree, env, timeoutMs: 3_600_000 });
  }
  return (performance.now() - began) / 1000;
}

/** @throws TypeError if it is no prepared kernel tree. */
export async function checkTree(tree: string): Promise<void> {
  for (const file of ['.config', 'include/generated/autoconf.h', 'scripts/Makefile.build']) {
    const found = await stat(join(tree, file)).catch(() => undefined);
    if (!found?.isFile()) throw new TypeError(`${tree} is no prepared kernel tree: it has no ${file}`);
  }
}
