export type KernelImageErrorCode =
  /** A package is truncated, damaged or hostile. */
  | 'bad-package'
  /** A package isn't what it should be: no kernel image, or headers of something else. */
  | 'wrong-package'
  /** A package that the import needs wasn't given. */
  | 'missing-package'
  /** Packages of different kernel releases or versions. */
  | 'release-mismatch'
  /** The config isn't the one that the image was built with. */
  | 'config-mismatch'
  /** The boot image isn't an x86-64 bzImage, or its payload can't be unpacked. */
  | 'bad-image'
  /** The unpacked kernel isn't an ELF file as expected. */
  | 'bad-vmlinux'
  | 'kallsyms-not-found'
  /** A module's file isn't one, is of another kernel, or has the name of one that the vendor ships. */
  | 'bad-module'
  | 'bad-btf'
  | 'bad-symvers'
  /** The kernel can't be live-patched: LIVEPATCH or what it needs isn't configured. */
  | 'not-patchable'
  /** The headers' own Makefiles don't run here (no make, no compiler). */
  | 'kbuild-failed'
  /** The disk is full or fails, or a file can't be opened: says nothing about the packages; may be tried again. */
  | 'io-failed'
  | 'interrupted'
  /** A profile folder that isn't complete or is of another schema version. */
  | 'bad-profile';

/** Why a kernel can't be imported or a profile can't be read. */
export class KernelImageError extends Error {
  override readonly name = 'KernelImageError';
  constructor(
    readonly code: KernelImageErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
