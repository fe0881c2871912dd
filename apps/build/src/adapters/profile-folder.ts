import { join } from 'node:path';
import type { BlobStore } from '#libs/blobs';
import type { AggregateId, KernelPackage } from '#libs/contracts';
import { importKernel, KernelImageError, type KernelProfile, loadProfile } from '#libs/kernelimage';
import { Profiles } from '../ports.js';

/** Loaded profiles that are kept in memory: each has about 150 MB. */
const maxLoaded = 3;

/** Profiles as folders below the service's data, at most one import of a kernel at a time. */
export class ProfileFolder extends Profiles {
  private readonly loaded = new Map<AggregateId, Promise<KernelProfile>>();

  constructor(
    private readonly folder: string,
    private readonly blobs: BlobStore,
  ) {
    super();
  }

  async open(kernelId: AggregateId, packages: readonly KernelPackage[]): Promise<KernelProfile> {
    const known = this.loaded.get(kernelId);
    if (known) return await known;
    const opening = this.load(kernelId, packages);
    this.loaded.set(kernelId, opening);
    for (const oldest of [...this.loaded.keys()].slice(0, -maxLoaded)) this.loaded.delete(oldest);
    try {
      return await opening;
    } catch (error) {
      this.loaded.delete(kernelId);
      throw error;
    }
  }

  private async load(kernelId: AggregateId, packages: readonly KernelPackage[]): Promise<KernelProfile> {
    const out = join(this.folder, kernelId);
    try {
      return await loadProfile(out);
    } catch (error) {
      if (!(error instanceof KernelImageError) || error.code !== 'bad-profile') throw error;
    }
    const image = packages.find(({ role }) => role === 'image');
    if (!image) throw new KernelImageError('missing-package', 'no package has the role of the image');
    const headers = packages.filter(({ role }) => role === 'headers');
    return await importKernel({
      image: await this.blobs.localPath(image.digest),
      headers: await Promise.all(headers.map(async ({ digest }) => await this.blobs.localPath(digest))),
      out,
    });
  }
}
