import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { arFields, bootImageFields, btfFields, elfFields, mendTar, tarFields } from '#libs/hostile';
import { readElf, sectionNamed } from '#libs/elf';
import {
  Btf,
  decodeKallsyms,
  importKernel,
  KernelImageError,
  type KernelProfile,
  loadProfile,
  unpackVmlinux,
} from '#libs/kernelimage';
import { kernelImageCodes } from './error-codes.js';
import { debOf, tarOf } from './packages.js';
import { bootImageOf, packageFiles, release, type SmallKernel, version } from './small-kernel.js';
import { type Target, typedBy } from './target.js';

const isTyped = typedBy([KernelImageError, kernelImageCodes]);

function readAllTypes(btf: Btf): void {
  for (let id = 0; id <= btf.count + 1; id += 1) btf.type(id);
  for (const name of btf.structNames())
    for (const struct of btf.structsNamed(name)) for (const member of ['none', 'name']) btf.offsetOf(struct, member);
}

function readAll(profile: KernelProfile): void {
  readAllTypes(profile.btf);
  profile.tableSizes();
  profile.symbolsByAddress();
  for (const name of profile.moduleNames()) profile.moduleSymbols(name, 'f');
  profile.image().bytesAt(0xffffffff81000000n, 16);
}

/** A whole kernel import with one package exchanged; none of the others is damaged. */
class Importing {
  private readonly packages: Promise<Map<string, Buffer>>;

  constructor(
    kernel: SmallKernel,
    private readonly folder: string,
  ) {
    this.packages = this.packagesOf(bootImageOf(kernel.vmlinux), kernel.module);
  }

  async run(damaged: ReadonlyMap<string, Buffer>): Promise<void> {
    const at = join(this.folder, 'packages');
    await mkdir(at, { recursive: true });
    const files: string[] = [];
    for (const [name, deb] of await this.packages) {
      files.push(join(at, `${name}.deb`));
      await writeFile(join(at, `${name}.deb`), damaged.get(name) ?? deb);
    }
    const [image = '', ...headers] = files;
    try {
      readAll(await importKernel({ image, headers, out: join(this.folder, 'profile') }));
    } finally {
      await rm(this.folder, { recursive: true, force: true });
    }
  }

  private async packagesOf(bootImage: Buffer, module: Buffer): Promise<Map<string, Buffer>> {
    const packages = new Map<string, Buffer>();
    for (const [name, files] of Object.entries(packageFiles(bootImage, module)))
      packages.set(name, await debOf(name, version, await tarOf(files)));
    return packages;
  }
}

const image = `linux-image-${release}`;

/** Imports: of damaged packages, of ones that hold damaged files, and of a damaged kernel in a sound boot image. */
async function importTargets(kernel: SmallKernel, folder: string): Promise<readonly Target[]> {
  const importing = new Importing(kernel, folder);
  const files = packageFiles(bootImageOf(kernel.vmlinux), kernel.module);
  const tars = await Promise.all(Object.values(files).map(tarOf));
  const names = Object.keys(files);
  const debs = await Promise.all(tars.map((tar, index) => debOf(names[index] ?? '', version, tar)));
  /** The package that an input is of, by what it still names; the image's if that can't be told. */
  const nameIn = (text: string): string => names.findLast((name) => text.includes(name.slice(6))) ?? image;
  return [
    {
      name: 'import-package',
      seeds: debs.slice(1, 2),
      fields: arFields,
      run: (input) => importing.run(new Map([[names[1] ?? '', input]])),
      isTyped,
    },
    {
      name: 'import-files',
      seeds: tars,
      fields: tarFields,
      wrap: mendTar,
      async run(input) {
        const name = nameIn(input.toString('latin1').replaceAll('modules/', ''));
        await importing.run(new Map([[name, await debOf(name, version, input)]]));
      },
      isTyped,
    },
    {
      name: 'import-kernel',
      seeds: [kernel.vmlinux],
      fields: elfFields,
      async run(input) {
        const tar = await tarOf(packageFiles(bootImageOf(input), kernel.module)[image] ?? {});
        await importing.run(new Map([[image, await debOf(image, version, tar)]]));
      },
      isTyped,
    },
  ];
}

/** A profile with one of its files damaged. */
function profileTarget(kernel: SmallKernel, folder: string): Target {
  const symbols = Array.from(
    { length: 50 },
    (_, at) => `ffffffff8100${at.toString(16).padStart(4, '0')} T symbol_${at}\n`,
  );
  const data = {
    schema: 1,
    arch: 'x86_64',
    release,
    version,
    buildId: '0123456789abcdef0123',
    vermagic: `${release} SMP `,
    banner: 'Linux version',
    compiler: 'gcc-12',
    counts: { symbols: 50, exports: 2, btfTypes: 9, modules: 1 },
    packages: [],
    kbuild: { CC: 'gcc-12' },
    modules: { small: 'kernel/small.ko' },
  };
  const sound = {
    'profile.json': Buffer.from(JSON.stringify(data)),
    kallsyms: Buffer.from(symbols.join('')),
    'Module.symvers': Buffer.from('0x12345678\tf\tvmlinux\tEXPORT_SYMBOL\t\n'),
    btf: kernel.btf,
    vmlinux: kernel.vmlinux,
    'modules/kernel/small.ko': kernel.module,
  };
  const names = Object.keys(sound);
  return {
    name: 'profile',
    // The first byte says which file it is.
    seeds: Object.values(sound).map((bytes, index) => Buffer.concat([Buffer.from([index]), bytes])),
    fields: () => [],
    async run(input) {
      const damaged = names[(input[0] ?? 0) % names.length];
      await mkdir(join(folder, 'modules/kernel'), { recursive: true });
      for (const [name, bytes] of Object.entries(sound))
        await writeFile(join(folder, name), name === damaged ? input.subarray(1) : bytes);
      readAll(await loadProfile(folder));
    },
    isTyped,
  };
}

/** All that reads a kernel's packages, image and profile. */
export async function kernelTargets(kernel: SmallKernel, folder: string): Promise<readonly Target[]> {
  const elf = readElf(kernel.vmlinux);
  const rodata = Buffer.from(sectionNamed(elf, '.rodata')?.data ?? []);
  const plain = { fields: () => [], isTyped };
  return [
    { ...plain, name: 'btf', seeds: [kernel.btf], fields: btfFields, run: (input) => readAllTypes(Btf.parse(input)) },
    { ...plain, name: 'kallsyms', seeds: [rodata], run: (input) => decodeKallsyms(input, 0xffffffff81000000n) },
    {
      ...plain,
      name: 'boot-image',
      seeds: [bootImageOf(kernel.vmlinux)],
      fields: bootImageFields,
      run: (input) => unpackVmlinux(input),
    },
    profileTarget(kernel, join(folder, 'profile')),
    ...(await importTargets(kernel, join(folder, 'import'))),
  ];
}
