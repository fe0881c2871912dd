import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { download, findKernelStep } from '#libs/apt';
import { type GuestKernel, kernelOfPackage } from '#libs/guest';
import { folderTree, type SourceTree } from '#libs/kbuild';
import { importKernel, KernelImageError, type KernelProfile, loadProfile } from '#libs/kernelimage';
import { unpackSubset } from '../pipeline/vendor-subset.js';

const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const cacheDir = process.env['SPLICECAST_CACHE'] ?? join(project, 'data', 'cache');

/** The vendor's kernel in the three forms that a test of loading needs. */
export interface VendorKernel {
  readonly profile: KernelProfile;
  /** Of the vendor's package, e.g. `6.1.190-1`. */
  readonly version: string;
  /** A part of the source that it was built from. */
  readonly source: SourceTree;
  readonly sourceFolder: string;
  readonly guest: GuestKernel;
}

/** From the vendor's packages in the cache, where the profile stays for the next run too. */
export async function vendorKernel(): Promise<VendorKernel> {
  const step = await findKernelStep('6.1');
  const cached = async (one: typeof step.from) => await download(one, cacheDir);
  const image = await cached(step.image);
  const headers = await Promise.all(step.headers.map(cached));
  const sourceFolder = await unpackSubset(await cached(step.from), cacheDir);
  const out = join(cacheDir, `profile-${image.version}`);
  const profile = await loadProfile(out).catch(async (error: unknown) => {
    if (!(error instanceof KernelImageError)) throw error;
    return await importKernel({ image: image.file, headers: headers.map(({ file }) => file), out });
  });
  const guest = await kernelOfPackage(image.file);
  return { profile, version: image.version, source: folderTree(sourceFolder), sourceFolder, guest };
}
