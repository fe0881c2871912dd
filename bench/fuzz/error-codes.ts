import type { ArchiveErrorCode } from '#libs/archive';
import type { ElfErrorCode } from '#libs/elf';
import type { KbuildErrorCode } from '#libs/kbuild';
import type { KernelImageErrorCode } from '#libs/kernelimage';

// The compiler sees to it that each list is whole.

export const elfCodes: Readonly<Record<ElfErrorCode, true>> = {
  'not-elf': true,
  unsupported: true,
  'other-architecture': true,
  truncated: true,
  'too-large': true,
  'bad-header': true,
  'bad-section': true,
  'bad-symbol': true,
  'bad-relocation': true,
  'bad-string': true,
  'bad-note': true,
};

export const kernelImageCodes: Readonly<Record<KernelImageErrorCode, true>> = {
  'bad-package': true,
  'wrong-package': true,
  'missing-package': true,
  'release-mismatch': true,
  'config-mismatch': true,
  'bad-image': true,
  'bad-vmlinux': true,
  'bad-module': true,
  'kallsyms-not-found': true,
  'bad-btf': true,
  'bad-symvers': true,
  'not-patchable': true,
  'kbuild-failed': true,
  'io-failed': true,
  interrupted: true,
  'bad-profile': true,
};

export const archiveCodes: Readonly<Record<ArchiveErrorCode, true>> = {
  'not-an-archive': true,
  'unsupported-format': true,
  truncated: true,
  malformed: true,
  'unsafe-path': true,
  'unsafe-link': true,
  'duplicate-entry': true,
  'special-file': true,
  'too-large': true,
  'too-many-entries': true,
  bomb: true,
  'not-found': true,
  'read-failed': true,
};

/** Of applying a patch: nothing is compiled there. */
export const patchCodes: Readonly<Partial<Record<KbuildErrorCode, true>>> = { 'bad-path': true, 'too-much': true };
