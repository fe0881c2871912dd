import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { sectionNamed } from '#libs/elf';
import { bytesOfSection, readKernelElf } from './address-space.js';
import { maxBytesOf, readBounded } from './bounded-file.js';
import { Btf } from './btf.js';
import { unpackVmlinux } from './bzimage.js';
import { checkConfig, parseConfig } from './config.js';
import { typed } from './disk.js';
import { KernelImageError } from './errors.js';
import { decodeKallsyms, formatKallsyms } from './kallsyms.js';
import { probeKbuild } from './kbuild-environment.js';
import { bannerOf, buildIdOf, parseModinfo } from './identity.js';
import {
  makeLinks,
  type PackageFacts,
  type PackageLink,
  readPackageFacts,
  stopIfAborted,
  unpackPackage,
} from './packages.js';
import type { ProfileData } from './profile-data.js';
import { KernelProfile, loadProfile } from './profile.js';
import { moduleNameOf, parseSymvers } from './symvers.js';

export type ImportStage = 'unpack' | 'image' | 'symbols' | 'kbuild' | 'done';

export interface ImportProgress {
  readonly stage: ImportStage;
  /** Bytes of packages unpacked so far. */
  readonly bytes: number;
}

export interface ImportRequest {
  /** The vendor's linux-image .deb. */
  readonly image: string;
  /** linux-headers-<release>, linux-headers-<abi>-common and linux-kbuild .debs, in any order. */
  readonly headers: readonly string[];
  /** Folder of the profile; replaced as a whole if it exists. */
  readonly out: string;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Stops it, and cleans up behind it. */
  readonly signal?: AbortSignal;
}

/**
 * Makes a kernel profile of the vendor's packages: unpack → image → symbols → kbuild. No root, no kernel tree. The
 * folder appears only when it is complete.
 * @throws KernelImageError
 */
export async function importKernel(request: ImportRequest): Promise<KernelProfile> {
  const out = resolve(request.out);
  const folder = `${out}.importing-${process.pid}-${Date.now()}`;
  try {
    await sweep(out);
    await mkdir(folder, { recursive: true });
    const facts = await unpackAll(request, folder);
    const data = await examine(folder, facts, (stage) => {
      stopIfAborted(request.signal);
      request.onProgress?.({ stage, bytes: 0 });
    });
    stopIfAborted(request.signal);
    await writeFile(join(folder, 'profile.json'), `${JSON.stringify(data, null, 1)}\n`);
    await replaceFolder(folder, out);
    request.onProgress?.({ stage: 'done', bytes: 0 });
    return await loadProfile(out);
  } catch (error) {
    throw typed(error);
  } finally {
    // What went wrong before counts more than what is left behind; the next import sweeps it.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Looks at what the packages say before it spends half a minute on unpacking them. */
async function unpackAll(request: ImportRequest, folder: string): Promise<readonly PackageFacts[]> {
  const packages: { file: string; facts: PackageFacts }[] = [];
  for (const file of [request.image, ...request.headers]) packages.push({ file, facts: await readPackageFacts(file) });
  const facts = packages.map((one) => one.facts);
  checkPackages(facts);
  const bytes = new Map<string, number>();
  const links: PackageLink[] = [];
  const unpack = async (some: typeof packages): Promise<void> => {
    for (const { file, facts } of some) {
      const progress = (done: number): void => {
        bytes.set(file, done);
        request.onProgress?.({ stage: 'unpack', bytes: [...bytes.values()].reduce((sum, one) => sum + one, 0) });
      };
      for (const link of await unpackPackage(file, facts, folder, progress, request.signal)) links.push(link);
    }
  };
  // The image beside the headers; these one after the other, as they become one tree.
  const results = await Promise.allSettled([unpack(packages.slice(0, 1)), unpack(packages.slice(1))]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  await makeLinks(folder, links);
  return facts;
}

/** @throws KernelImageError `wrong-package`, `missing-package`, `release-mismatch` */
export function checkPackages(facts: readonly PackageFacts[]): void {
  const [image] = facts;
  if (image?.role !== 'image') {
    const reason = `${image?.name} is no kernel image: the first package must be linux-image-<release>`;
    throw new KernelImageError('wrong-package', reason);
  }
  for (const needed of packagesFor(image)) {
    const found = facts.filter(({ role }) => role === needed.role);
    const [one] = found;
    if (one === undefined) throw new KernelImageError('missing-package', `${needed.name}${needed.beside} is missing`);
    if (found.length > 1) throw new KernelImageError('wrong-package', `more than one ${needed.role} package`);
    if (needed.fits(one)) continue;
    const reason = `${one.name} ${one.version} doesn't belong to ${image.name} ${image.version}`;
    throw new KernelImageError('release-mismatch', `${reason}: give ${needed.name}${needed.beside} instead`);
  }
}

/** What has to come with an image, by the names that its own leads to. */
function packagesFor(image: PackageFacts) {
  const { release, version } = image;
  const base = /^\d+\.\d+/.exec(version)?.[0] ?? '';
  const abi = release.replace(/(?<=-\d+)-.*$/, '');
  const ofVersion = `, of version ${version},`;
  return [
    { role: 'image', name: image.name, beside: '', fits: () => true },
    {
      role: 'headers',
      name: `linux-headers-${release}`,
      beside: ofVersion,
      fits: (one: PackageFacts) => one.release === release && one.version === version,
    },
    {
      role: 'headers-common',
      name: `linux-headers-${abi}-common`,
      beside: ofVersion,
      fits: (one: PackageFacts) => release.startsWith(`${one.release}-`) && one.version === version,
    },
    {
      role: 'kbuild',
      name: `linux-kbuild-${base}`,
      // Its own version may be a later one: the archive drops older kbuild packages first.
      beside: '',
      fits: (one: PackageFacts) => version.startsWith(`${one.release}.`),
    },
  ];
}

async function examine(
  folder: string,
  packages: readonly PackageFacts[],
  enter: (stage: ImportStage) => void,
): Promise<ProfileData> {
  const image = packages[0];
  if (!image) throw new KernelImageError('missing-package', 'no image package was given');
  const headers = join(folder, 'headers');
  checkConfig(parseConfig(await need(join(folder, 'config'))), parseConfig(await need(join(headers, '.config'))));

  enter('image');
  const vmlinux = await unpackVmlinux(await needBytes(join(folder, 'vmlinuz'), maxBytesOf.image));
  const elf = readKernelElf(vmlinux, 'vmlinux');
  const rodata = bytesOfSection(elf, '.rodata');
  const banner = bannerOf(rodata);
  if (banner.release !== image.release) {
    throw new KernelImageError('release-mismatch', `${image.name} holds the image of ${banner.release}`);
  }

  enter('symbols');
  const symbols = decodeKallsyms(rodata, sectionNamed(elf, '.text')?.address ?? 0n);
  const btfBytes = bytesOfSection(elf, '.BTF');
  const btf = Btf.parse(btfBytes);
  const symversText = await need(join(headers, 'Module.symvers'));
  const exports = parseSymvers(symversText);
  await writeFile(join(folder, 'vmlinux'), vmlinux);
  await writeFile(join(folder, 'kallsyms'), formatKallsyms(symbols));
  await writeFile(join(folder, 'btf'), btfBytes);
  await writeFile(join(folder, 'Module.symvers'), symversText);
  // Compiling wants the whole config, and the boot image lives on as vmlinux: both have done their service.
  await copyFile(join(headers, '.config'), join(folder, 'config'));
  await rm(join(folder, 'vmlinuz'));
  const modules = await indexModules(folder);

  enter('kbuild');
  const kbuild = await probeKbuild(headers);
  return {
    schema: 1,
    arch: 'x86_64',
    release: image.release,
    version: image.version,
    buildId: buildIdOf(bytesOfSection(elf, '.notes')),
    vermagic: await vermagicOf(folder, modules, image.release),
    banner: banner.text,
    compiler: banner.compiler,
    counts: {
      symbols: symbols.length,
      exports: exports.size,
      btfTypes: btf.count,
      modules: Object.keys(modules).length,
    },
    packages: packages.map(({ role, name, version }) => ({ role, name, version })),
    kbuild,
    modules,
  };
}

async function indexModules(folder: string): Promise<Record<string, string>> {
  const root = join(folder, 'modules');
  if (!(await stat(root).then(Boolean, () => false))) return {};
  const files = await readdir(root, { recursive: true });
  const modules: Record<string, string> = {};
  for (const file of files.sort()) if (file.endsWith('.ko')) modules[moduleNameOf(file)] = file;
  return modules;
}

/** Every shipped module carries the kernel's vermagic: ask one. */
async function vermagicOf(folder: string, modules: Readonly<Record<string, string>>, release: string): Promise<string> {
  const [file] = Object.values(modules);
  if (file === undefined) throw new KernelImageError('wrong-package', 'the image package ships no modules');
  const bytes = await needBytes(join(folder, 'modules', file), maxBytesOf.module);
  const info = bytesOfSection(readKernelElf(bytes, file), '.modinfo');
  const vermagic = parseModinfo(info).get('vermagic');
  if (!vermagic?.startsWith(`${release} `)) {
    throw new KernelImageError('release-mismatch', `module ${file} is for ${vermagic ?? 'no kernel'}`);
  }
  return vermagic;
}

async function needBytes(file: string, maxBytes: number): Promise<Buffer> {
  try {
    return await readBounded(file, maxBytes);
  } catch (error) {
    if (error instanceof RangeError) throw new KernelImageError('bad-package', `${basename(file)}: ${error.message}`);
    throw new KernelImageError('wrong-package', `the packages hold no ${basename(file)}`);
  }
}

async function need(file: string): Promise<string> {
  return (await needBytes(file, maxBytesOf.text)).toString('utf8');
}

/** Removes what imports of killed processes have left behind; one killed in the midst of replacing gives the old profile back. */
async function sweep(out: string): Promise<void> {
  const names = await readdir(dirname(out)).catch(() => []);
  for (const name of names) {
    const pid = name.startsWith(`${basename(out)}.importing-`) ? /-(\d+)-\d+(?:\.old)?$/.exec(name)?.[1] : undefined;
    if (pid === undefined || isAlive(Number(pid))) continue;
    const left = join(dirname(out), name);
    const isLost = name.endsWith('.old') && !(await stat(out).then(Boolean, () => false));
    if (isLost) await rename(left, out);
    else await rm(left, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Puts a finished folder in the place of an older one, if any. */
async function replaceFolder(folder: string, out: string): Promise<void> {
  await mkdir(dirname(out), { recursive: true });
  const old = `${folder}.old`;
  const replaced = await rename(out, old).then(
    () => true,
    () => false,
  );
  await rename(folder, out);
  if (replaced) await rm(old, { recursive: true, force: true });
}
