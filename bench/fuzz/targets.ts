import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { damaged, drawDamages, Random } from '#libs/hostile';
import { archiveTargets } from './archive-targets.js';
import { kernelTargets } from './kernel-targets.js';
import { objectTargets } from './object-targets.js';
import { makeObjects, readObjects } from './objects.js';
import { patchTarget } from './patch-target.js';
import { makeSmallKernel, readSmallKernel, takeOutBtf } from './small-kernel.js';
import type { Target } from './target.js';

/** Compiles what the targets start from. */
export function makeSeeds(folder: string): void {
  mkdirSync(folder, { recursive: true });
  makeObjects(folder);
  makeSmallKernel(folder);
  takeOutBtf(folder);
}

/** All targets. `scratch` is the process's own. */
export async function loadTargets(seeds: string, scratch: string): Promise<readonly Target[]> {
  mkdirSync(scratch, { recursive: true });
  return [
    ...objectTargets(readObjects(seeds)),
    ...(await kernelTargets(readSmallKernel(seeds), scratch)),
    ...(await archiveTargets(scratch)),
    await patchTarget(join(scratch, 'tree')),
  ];
}

/** Is the case a sound input? Then it must be read. */
export function isSound(target: Target, index: number): boolean {
  return index < target.seeds.length;
}

/** The input of a case: the same for the same seed, wherever it is made. Case 0 … seeds - 1 are the sound inputs. */
export async function inputOf(target: Target, seed: number, index: number): Promise<Buffer> {
  const random = new Random(seed, target.name, index);
  const sound = target.seeds[index];
  const from = sound ?? random.pick(target.seeds);
  const damages = sound ? [] : drawDamages(random);
  const bytes = damaged(from, damages, target.fields(from), random.pick(target.seeds));
  return target.wrap ? await target.wrap(bytes) : bytes;
}
