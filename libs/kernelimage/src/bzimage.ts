import { ProcessError, run } from '#libs/process';
import { KernelImageError } from './errors.js';

const maxImageBytes = 256 * 1024 * 1024;
const maxVmlinuxBytes = 1024 * 1024 * 1024;
/** Debian's unpacks to 8 times as many; more than 64 is no kernel but a bomb. Small ones may be of any ratio. */
const maxRatio = 64;
const ratioFloorBytes = 16 * 1024 * 1024;

/** Decompressors by the payload's first bytes; each reads stdin and writes stdout. */
const decompressors: readonly { readonly magic: Buffer; readonly command: readonly [string, ...string[]] }[] = [
  {
    magic: Buffer.from('fd377a585a00', 'hex'),
    command: ['xz', '--decompress', '--stdout', '--single-stream', '--memlimit-decompress=256MiB'],
  },
  { magic: Buffer.from('1f8b', 'hex'), command: ['gzip', '--decompress', '--stdout'] },
  { magic: Buffer.from('28b52ffd', 'hex'), command: ['zstd', '--decompress', '--stdout', '--memory=256MiB'] },
];

/** Where the compressed kernel lies in a boot image. Source: Documentation/x86/boot.rst, "payload_offset". */
export function payloadOf(image: Buffer): Buffer {
  if (image.length > maxImageBytes) throw new KernelImageError('bad-image', `boot image of ${image.length} bytes`);
  if (image.length < 0x250 || image.toString('latin1', 0x202, 0x206) !== 'HdrS') {
    throw new KernelImageError('bad-image', `not an x86 boot image: ${kindOf(image)}`);
  }
  if (image.readUInt16LE(0x206) < 0x208) {
    throw new KernelImageError('bad-image', 'boot protocol before 2.08: it does not say where its payload is');
  }
  const setupSectors = image.readUInt8(0x1f1) || 4;
  const start = (setupSectors + 1) * 512 + image.readUInt32LE(0x248);
  const length = image.readUInt32LE(0x24c);
  if (length < 8 || start + length > image.length) {
    throw new KernelImageError('bad-image', `payload ${start}+${length} runs past the image's ${image.length} bytes`);
  }
  return image.subarray(start, start + length);
}

/** What it is instead, by its magic numbers: Documentation/arm64/booting.rst; drivers/firmware/efi/libstub/zboot-header.S. */
function kindOf(image: Buffer): string {
  const has = (at: number, magic: string): boolean => image.toString('latin1', at, at + magic.length) === magic;
  if (has(56, 'ARMd')) return 'one of arm64';
  if (has(4, 'zimg')) return 'an EFI zboot image, as other architectures have it';
  if (has(0, '\u007fELF')) return 'an unpacked kernel (vmlinux); give the package as the vendor made it';
  if (decompressors.some(({ magic }) => image.subarray(0, magic.length).equals(magic)))
    return 'a compressed file, as other architectures have it';
  return 'it has no HdrS header';
}

/**
 * Unpacks the kernel out of a boot image: an ELF file without symbols, the relocations for KASLR appended.
 * @throws KernelImageError `bad-image`
 */
export async function unpackVmlinux(image: Buffer): Promise<Buffer> {
  const payload = payloadOf(image);
  // The last four bytes are the unpacked size, added by the kernel's build (scripts/Makefile.lib, size_append).
  const unpackedBytes = payload.readUInt32LE(payload.length - 4);
  const isBomb = unpackedBytes > Math.max(ratioFloorBytes, maxRatio * payload.length);
  if (isBomb || unpackedBytes > maxVmlinuxBytes)
    throw new KernelImageError('bad-image', `its ${payload.length} bytes are to unpack to ${unpackedBytes}`);
  const packed = payload.subarray(0, -4);
  const found = decompressors.find(({ magic }) => packed.subarray(0, magic.length).equals(magic));
  if (!found) {
    throw new KernelImageError('bad-image', `unknown compression (${packed.subarray(0, 6).toString('hex')})`);
  }
  const [program, ...args] = found.command;
  try {
    const { stdout } = await run(program, args, {
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' },
      timeoutMs: 60_000,
      maxOutputBytes: unpackedBytes,
      stdin: packed,
    });
    if (stdout.length !== unpackedBytes) {
      throw new KernelImageError('bad-image', `unpacked ${stdout.length} bytes of ${unpackedBytes}`);
    }
    return stdout;
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    throw new KernelImageError('bad-image', `the payload can't be unpacked: ${error.message} ${error.stderr}`.trim());
  }
}
