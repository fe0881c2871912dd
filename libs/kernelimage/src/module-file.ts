import { type ElfFile, sectionNamed } from '#libs/elf';
import { readKernelElf } from './address-space.js';
import { KernelImageError } from './errors.js';
import { parseModinfo } from './identity.js';

/** A kernel module as a file: what it calls itself, and its sections and symbols. */
export interface ModuleFile {
  readonly name: string;
  readonly elf: ElfFile;
}

/** Reads a .ko that was made for a kernel of that vermagic. @throws KernelImageError `bad-module` */
export function readModuleFile(bytes: Buffer, vermagic: string): ModuleFile {
  const elf = readKernelElf(bytes, 'the module');
  const tags = parseModinfo(sectionNamed(elf, '.modinfo')?.data ?? new Uint8Array(0));
  const name = tags.get('name') ?? '';
  if (!/^[A-Za-z0-9_]{1,55}$/.test(name)) throw new KernelImageError('bad-module', 'a module without a name');
  const made = tags.get('vermagic') ?? '';
  // MODVERSIONS or not, code of another kernel's build can't be matched with what will run here.
  if (made.trim() !== vermagic.trim())
    throw new KernelImageError('bad-module', `${name} was made for the kernel “${made.trim().slice(0, 200)}”`);
  return { name, elf };
}
