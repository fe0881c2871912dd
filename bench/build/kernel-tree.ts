import { spawn } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { run } from '#libs/process';
import { median } from '../objdiff/median.js';
import { shuffled } from '../fixes/population.js';

const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' };

/** A kernel tree, configured and prepared, and the compiler of its kernel. */
export interface KernelTree {
  readonly folder: string;
  readonly compiler: string;
}

/** Seconds that kbuild takes for objects of a prepared tree, each made anew twice, as before and after a fix. */
export async function makeTwice({ folder, compiler }: KernelTree, objects: readonly string[]): Promise<number> {
  const began = performance.now();
  for (let time = 0; time < 2; time++) {
    for (const object of objects) await rm(join(folder, object), { force: true });
    await run('make', ['-s', `CC=${compiler}`, ...objects], { cwd: folder, env, timeoutMs: 3_600_000 });
  }
  return (performance.now() - began) / 1000;
}

/** What all objects of a tree's configuration would take, from a sample of them. */
export interface WholeTree {
  /** C objects that a build of kernel and modules compiles, by make's own account (`make -n`). */
  readonly objects: number;
  readonly sampled: number;
  readonly medianSeconds: number;
  readonly meanSeconds: number;
  /** An estimate: twice the objects × the sample's mean, with one compiler at a time and nothing linked. */
  readonly twiceSeconds: number;
}

/** Times `count` objects of the tree, drawn with a seed, one after the other in one run of make: its own start is not in it. */
export async function estimateWhole(tree: KernelTree, count: number, seed: number): Promise<WholeTree> {
  const all = await objectsOfConfig(tree);
  if (all.length < count) throw new TypeError(`${tree.folder}: make names only ${all.length} objects`);
  const sample = shuffled(all, seed).slice(0, count);
  for (const object of sample) await rm(join(tree.folder, object), { force: true });
  const seconds = await timesOf(tree, sample);
  const mean = seconds.reduce((sum, one) => sum + one, 0) / seconds.length;
  return {
    objects: all.length,
    sampled: seconds.length,
    medianSeconds: median(seconds),
    meanSeconds: mean,
    twiceSeconds: 2 * mean * all.length,
  };
}

async function objectsOfConfig({ folder, compiler }: KernelTree): Promise<readonly string[]> {
  const args = ['-c', 'make -n -k "CC=$1" vmlinux modules 2>/dev/null; true', 'sh', compiler];
  const maxOutputBytes = 1024 * 1024 * 1024;
  const { stdout } = await run('sh', args, { cwd: folder, env, timeoutMs: 3_600_000, maxOutputBytes });
  const objects = new Set<string>();
  for (const [, object = ''] of stdout.toString('latin1').matchAll(/echo '  CC (?:\[M\])? +([^' ;]+\.o)/g))
    objects.add(object);
  return [...objects].sort();
}

/** make says of each object when it begins with it. */
async function timesOf({ folder, compiler }: KernelTree, objects: readonly string[]): Promise<readonly number[]> {
  const wanted = new Set(objects);
  const child = spawn('make', [`CC=${compiler}`, ...objects], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const seconds: number[] = [];
  let began: number | undefined;
  const next = (isWanted: boolean): void => {
    const now = performance.now();
    if (began !== undefined) seconds.push((now - began) / 1000);
    began = isWanted ? now : undefined;
  };
  for await (const line of createInterface(child.stdout)) {
    const object = /^ +CC +(?:\[M\] +)?(\S+)$/.exec(line)?.[1];
    next(object !== undefined && wanted.has(object));
  }
  next(false);
  if (seconds.length === 0) throw new TypeError(`${folder}: make made none of the objects`);
  return seconds;
}

/** @throws TypeError if it is no prepared kernel tree. */
export async function checkTree(tree: string): Promise<void> {
  for (const file of ['.config', 'include/generated/autoconf.h', 'scripts/Makefile.build']) {
    const found = await stat(join(tree, file)).catch(() => undefined);
    if (!found?.isFile()) throw new TypeError(`${tree} is no prepared kernel tree: it has no ${file}`);
  }
}
