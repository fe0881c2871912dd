import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { updatesResponseSchema } from '#libs/contracts';
import type { Offer } from '../domain/plan.js';
import { writeDurably } from '#libs/durable';
import { JsonFile, readWhole } from './json-file.js';

const offerSchema = updatesResponseSchema.shape.bundles.element;

/** Bundles as they were fetched, each with its offer: so that they can be checked and applied again before there is a network. */
export class BundleCache {
  constructor(private readonly folder: string) {}

  /** @returns undefined where it isn't cached whole. */
  async read(bundleId: string): Promise<{ bytes: Buffer; offer: Offer } | undefined> {
    const offer = await this.offerFile(bundleId).read();
    const bytes = await readWhole(this.artefact(bundleId));
    return offer === undefined || bytes === undefined ? undefined : { bytes, offer };
  }

  /** Where to download to; may hold the beginning of it. */
  partial(bundleId: string): string {
    return join(this.folder, `${bundleId}.download`);
  }

  /** Whether `partial` holds the beginning of it. */
  async isBegun(bundleId: string): Promise<boolean> {
    const size = await stat(this.partial(bundleId)).then(
      (found) => found.size,
      () => 0,
    );
    return size > 0;
  }

  /** Takes over what `partial` holds, once it was found good. */
  async keep(offer: Offer): Promise<void> {
    await this.offerFile(offer.bundleId).write(offer);
    await rename(this.partial(offer.bundleId), this.artefact(offer.bundleId));
  }

  /** Writes a module where insmod can read it, calls `use`, removes it. */
  async withModule<T>(module: string, bytes: Uint8Array, use: (file: string) => Promise<T>): Promise<T> {
    const folder = join(this.folder, 'staging');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, `${module}.ko`);
    try {
      await writeDurably(file, bytes, 0o600);
      return await use(file);
    } finally {
      await rm(file, { force: true });
    }
  }

  async discard(bundleId: string): Promise<void> {
    for (const file of [this.partial(bundleId), this.artefact(bundleId), this.offerFile(bundleId).path]) {
      await rm(file, { force: true });
    }
  }

  /** Bundles of which there are bytes. */
  async list(): Promise<string[]> {
    const names = await readdir(this.folder).catch(() => []);
    return names.flatMap((name) => /^([a-z0-9-]+)\.tar\.gz$/.exec(name)?.[1] ?? []).sort();
  }

  /** Removes what belongs to no bundle of these. */
  async prune(keep: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.folder).catch(() => [])) {
      const bundleId = /^([a-z0-9-]+)\.(?:tar\.gz|json|download)$/.exec(name)?.[1];
      if (bundleId !== undefined && !keep.has(bundleId)) await rm(join(this.folder, name), { force: true });
    }
  }

  private artefact(bundleId: string): string {
    return join(this.folder, `${bundleId}.tar.gz`);
  }

  private offerFile(bundleId: string): JsonFile<Offer> {
    return new JsonFile(join(this.folder, `${bundleId}.json`), offerSchema, 0o600);
  }
}
