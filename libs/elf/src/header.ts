import { Cursor } from './cursor.js';
import { ElfError } from './errors.js';

/** The file header (gABI "ELF Header"), as far as anybody here needs it. */
export interface ElfHeader {
  /** `ElfType`: relocatable, executable or shared. */
  readonly type: number;
  readonly entry: bigint;
  readonly programHeaderOffset: number;
  readonly programHeaderCount: number;
  readonly sectionHeaderOffset: number;
  readonly sectionCount: number;
  readonly sectionNamesIndex: number;
}

export const headerSizeBytes = 64;
export const sectionHeaderSizeBytes = 64;
const maxSections = 0xff00;
const machineX8664 = 62;
/** `e_machine` of the architectures that Linux is live-patched on, and of some that are taken for them. */
const machineNames: Readonly<Record<number, string>> = {
  3: 'i386',
  8: 'mips',
  20: 'ppc',
  21: 'ppc64',
  22: 's390',
  40: 'arm',
  62: 'x86-64',
  183: 'aarch64',
  243: 'riscv',
  258: 'loongarch',
};

/** Checks that this is 64-bit little-endian ELF for x86-64 and reads where its tables are. */
export function readHeader(bytes: Uint8Array): ElfHeader {
  const cursor = new Cursor(bytes, 'the ELF header');
  if (bytes.length < 4 || cursor.u32(0) !== 0x46_4c_45_7f) throw new ElfError('not-elf', 0, 'no ELF magic');
  checkArchitecture(cursor);
  if (cursor.u8(6) !== 1 || cursor.u32(20) !== 1) throw new ElfError('unsupported', 6, 'not version 1 of ELF');
  const sectionHeaderOffset = cursor.size(40);
  const sectionCount = cursor.u16(60);
  if (sectionCount !== 0 && cursor.u16(58) !== sectionHeaderSizeBytes)
    throw new ElfError('bad-header', 58, `section headers of ${cursor.u16(58)} bytes`);
  if (sectionCount === 0 && sectionHeaderOffset !== 0)
    throw new ElfError('unsupported', 60, `${maxSections} sections or more`);
  const sectionNamesIndex = cursor.u16(62);
  if (sectionCount !== 0 && sectionNamesIndex >= sectionCount)
    throw new ElfError('bad-header', 62, `section names in section ${sectionNamesIndex} of ${sectionCount}`);
  return {
    type: cursor.u16(16),
    entry: cursor.u64(24),
    programHeaderOffset: cursor.size(32),
    programHeaderCount: cursor.u16(56),
    sectionHeaderOffset,
    sectionCount,
    sectionNamesIndex,
  };
}

/** A file of another architecture would be misread silently: relocation types have other numbers there. */
function checkArchitecture(cursor: Cursor): void {
  const [bits, order] = [cursor.u8(4), cursor.u8(5)];
  if ((bits !== 1 && bits !== 2) || (order !== 1 && order !== 2))
    throw new ElfError('bad-header', 4, `an ELF class of ${bits} and a byte order of ${order}`);
  const machine = order === 1 ? cursor.u16(18) : (cursor.u8(18) << 8) | cursor.u8(19);
  if (bits === 2 && order === 1 && machine === machineX8664) return;
  const name = machineNames[machine] ?? `machine ${machine}`;
  const kind = `${bits === 2 ? 64 : 32}-bit ${order === 1 ? 'little' : 'big'}-endian`;
  throw new ElfError('other-architecture', 18, `${name}, ${kind}; only 64-bit little-endian x86-64 is read`);
}
