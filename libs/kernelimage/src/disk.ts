import { ArchiveError } from '#libs/archive';
import { KernelImageError } from './errors.js';

const diskCodes = ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'ENOENT', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM'];

/** Full or unwritable disks are the operator's matter, not the package's. */
export function isDiskError(error: unknown): boolean {
  if (error instanceof ArchiveError) return error.code === 'read-failed';
  const code = systemCode(error);
  return code !== undefined && diskCodes.includes(code);
}

/** An error of the system's as one of this library; any other as it is. */
export function typed(error: unknown): unknown {
  if (error instanceof KernelImageError || (systemCode(error) === undefined && !isDiskError(error))) return error;
  const full = systemCode(error) === 'ENOSPC' || systemCode(error) === 'EDQUOT';
  const reason = messageOf(error);
  const advice = 'make room (Debian’s kernels take 550 MB) and try again';
  return new KernelImageError('io-failed', full ? `the disk is full: ${advice} (${reason})` : reason, { cause: error });
}

function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}

function systemCode(error: unknown): string | undefined {
  const isSystem = typeof error === 'object' && error !== null && 'syscall' in error && 'code' in error;
  return isSystem && typeof error.code === 'string' ? error.code : undefined;
}
