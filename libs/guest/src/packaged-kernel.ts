import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readDeb } from '#libs/archive';
import { GuestError } from './errors.js';
import { guestModules } from './modules.js';

/** A kernel that a guest can boot. */
export interface GuestKernel {
  readonly kernel: string;
  readonly modulesFrom: string;
  /** `uname -r`. */
  readonly release: string;
}

const imagePackage = /^linux-image-(\d[a-z0-9.+~-]*-amd64)_.*_amd64\.deb$/;
const maxFileBytes = 64 * 1024 * 1024;

/**
 * Takes from a cached linux-image package what a guest needs.
 * @param cache folder with `linux-image-<release>_<version>_amd64.deb`; of several the last by name is taken.
 * @throws GuestError `file-missing` that says how to get one.
 */
export async function packagedKernel(cache: string): Promise<GuestKernel> {
  const names = await readdir(cache).catch(() => []);
  const image = names
    .filter((name) => imagePackage.test(name))
    .sort()
    .at(-1);
  if (image === undefined) {
    throw new GuestError(
      'file-missing',
      `no linux-image-6.1*-amd64_*.deb in ${cache}: \`apt-cache search --names-only '^linux-image-6.1.*-amd64$'\` lists the ` +
        `images that the archive has, \`cd ${cache} && apt-get download IMAGE\` gets one`,
    );
  }
  return kernelOfPackage(join(cache, image));
}

/**
 * Takes from a vendor's linux-image package what a guest needs, vmlinuz and modules, once (about 10 s), into a folder beside it.
 * @param deb `linux-image-<release>_<version>_amd64.deb`
 * @throws GuestError `file-missing` if the package is named otherwise.
 */
export async function kernelOfPackage(deb: string): Promise<GuestKernel> {
  const release = imagePackage.exec(basename(deb))?.[1];
  if (release === undefined)
    throw new GuestError('file-missing', `${basename(deb)} is not named like a linux-image package`);
  const folder = join(dirname(deb), `guest-${basename(deb, '.deb')}`);
  if (!(await isComplete(folder))) await unpackKernel(deb, release, folder);
  return { kernel: join(folder, 'vmlinuz'), modulesFrom: join(folder, 'modules'), release };
}

async function isComplete(folder: string): Promise<boolean> {
  return readdir(folder).then(
    () => true,
    () => false,
  );
}

async function unpackKernel(deb: string, release: string, folder: string): Promise<void> {
  // Complete or not there: two tests may do this at once, and either may be killed.
  const part = await mkdtemp(`${folder}.part-`);
  try {
    const wanted = new Map([
      [`boot/vmlinuz-${release}`, 'vmlinuz'],
      ...guestModules.map((path) => [`lib/modules/${release}/${path}`, `modules/${path}`] as const),
    ]);
    // To the end, though the wanted files come before it: only then the package is known to be whole.
    const { entries } = await readDeb(deb);
    for await (const entry of entries) {
      // Newer packages install below /usr.
      const name = entry.path.replace(/^usr\//, '');
      const path = wanted.get(name);
      if (path === undefined || entry.kind !== 'file') continue;
      await mkdir(dirname(join(part, path)), { recursive: true });
      await writeFile(join(part, path), await entry.bytes(maxFileBytes));
      wanted.delete(name);
    }
    if (wanted.size > 0) throw new GuestError('file-missing', `${deb} lacks ${[...wanted.keys()].join(', ')}`);
    await rename(part, folder).catch(async (cause: unknown) => {
      if (!(await isComplete(folder))) throw cause;
    });
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}
