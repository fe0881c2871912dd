import { type AptPackage, type CachedPackage, download, findKernelStep, type KernelStep } from '#libs/apt';
import type { Progress } from './progress.js';

/** The packages of a step, in the cache and checked. */
export interface StepPackages {
  readonly step: KernelStep;
  readonly from: CachedPackage;
  readonly to: CachedPackage;
  readonly image: CachedPackage;
  readonly headers: readonly CachedPackage[];
}

const series = '6.1';

/** Looks up what the archive has today, and brings it into the cache. */
export async function fetchPackages(cacheDir: string, progress: Progress): Promise<StepPackages> {
  const step = await findKernelStep(series);
  progress.note(`the machine runs ${step.release} (${step.from.version}); the fixes come from ${step.to.version}`);
  const wanted = [step.from, step.to, step.image, ...step.headers];
  const bar = progress.begin('packages from the archive');
  const got: CachedPackage[] = [];
  for (const [index, one] of wanted.entries()) {
    bar.update(index, wanted.length, one.name);
    got.push(await download(one, cacheDir));
  }
  const sizeMb = got.reduce((sum, one) => sum + one.sizeBytes, 0) / 1e6;
  bar.done(`${got.length} packages, ${sizeMb.toFixed(0)} MB, digests checked`);
  const find = (one: AptPackage): CachedPackage => {
    const cached = got.find((candidate) => candidate.name === one.name && candidate.version === one.version);
    if (cached === undefined) throw new Error(`${one.name} was not downloaded`);
    return cached;
  };
  return { step, from: find(step.from), to: find(step.to), image: find(step.image), headers: step.headers.map(find) };
}
