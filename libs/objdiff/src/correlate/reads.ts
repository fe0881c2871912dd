import { RelocationType } from '#libs/elf';
import type { Atom, Reference } from '../model/atom.js';

const lea = 0x8d;

/**
 * Does code read a table's element straight out of memory (`mov table(,%rax,8), %rbx`, `call *table(,%rax,8)`), so that the
 * table's own address never gets into a register from where it could be kept? Intel SDM volume 2, 2.1.5. What isn't clear
 * from the bytes before the address counts as no.
 */
export function readsElement({ bytes }: Atom, { at, type }: Reference): boolean {
  const byte = (back: number): number => bytes[at - back] ?? 0;
  if (type === RelocationType.PC32) return (byte(1) & 0xc7) === 0x05 && byte(2) !== lea;
  if (type !== RelocationType.ABS32S) return false;
  // ModRM and SIB: no base and a 4-byte displacement, or a base and such a displacement.
  if ((byte(2) & 0xc7) === 0x84 || ((byte(2) & 0xc7) === 0x04 && (byte(1) & 7) === 5)) return byte(3) !== lea;
  // ModRM alone, with a base. With 7 as its register it could as well be the `mov $address, %reg` that keeps the address.
  return (byte(1) & 0xc0) === 0x80 && (byte(1) & 7) !== 4 && ((byte(1) >> 3) & 7) !== 7 && byte(2) !== lea;
}
