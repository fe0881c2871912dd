import { statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';

const mebibyte = 1024 * 1024;
/** Debian's: vmlinuz 8 MB, vmlinux 66, kallsyms 4, BTF 4, Module.symvers 2, config 0.3, the largest module 10, profile.json 0.3. */
export const maxBytesOf = {
  image: 256 * mebibyte,
  vmlinux: 1024 * mebibyte,
  module: 256 * mebibyte,
  kallsyms: 256 * mebibyte,
  btf: 256 * mebibyte,
  text: 64 * mebibyte,
} as const;

/** A file's bytes; what is too large, or no plain file, is an error before it is in memory. */
export async function readBounded(file: string, maxBytes: number): Promise<Buffer> {
  checkSize(await stat(file), maxBytes);
  return await readFile(file);
}

/** @throws RangeError */
export function checkFileSize(file: string, maxBytes: number): void {
  checkSize(statSync(file), maxBytes);
}

function checkSize(found: { isFile(): boolean; readonly size: number }, maxBytes: number): void {
  if (!found.isFile()) throw new RangeError('no plain file');
  if (found.size > maxBytes) throw new RangeError(`${found.size} bytes, of ${maxBytes} that it may have`);
}
