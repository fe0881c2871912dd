import { ElfError, type ElfFile, type ElfSection, readElf, SectionFlag, SectionType, sectionNamed } from '#libs/elf';
import { KernelImageError } from './errors.js';

/** Reads an ELF file of the kernel's packages. @throws KernelImageError `bad-vmlinux` */
export function readKernelElf(bytes: Buffer, what: string): ElfFile {
  try {
    return readElf(bytes);
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    throw new KernelImageError('bad-vmlinux', `${what}: ${error.message}`, { cause: error });
  }
}

/** The bytes of a section. @throws KernelImageError `bad-vmlinux` where there is none of that name. */
export function bytesOfSection(file: ElfFile, name: string): Buffer {
  const section = sectionNamed(file, name);
  if (!section || section.data.length === 0) throw new KernelImageError('bad-vmlinux', `the image has no ${name}`);
  return Buffer.from(section.data.buffer, section.data.byteOffset, section.data.length);
}

/** A linked kernel in memory: bytes by their link-time address. */
export class AddressSpace {
  private readonly loaded: readonly ElfSection[];

  constructor(file: ElfFile) {
    // Per-cpu data is linked at 0: no address of code or data.
    this.loaded = file.sections.filter(
      (one) => (one.flags & SectionFlag.ALLOC) !== 0 && one.address !== 0n && one.sizeBytes > 0,
    );
  }

  /** The section that holds an address. */
  sectionAt(address: bigint): ElfSection | undefined {
    return this.loaded.find((one) => address >= one.address && address < one.address + BigInt(one.sizeBytes));
  }

  /** `length` bytes at an address; undefined where the image has none (bss, past a section's end). */
  bytesAt(address: bigint, length: number): Uint8Array | undefined {
    const section = this.sectionAt(address);
    if (!section || section.type === SectionType.NOBITS) return undefined;
    const within = Number(address - section.address);
    return within + length <= section.data.length ? section.data.subarray(within, within + length) : undefined;
  }
}
