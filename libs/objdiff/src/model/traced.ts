import { type ElfFile, sectionNamed } from '#libs/elf';
import type { CompiledAtom } from './compiled-atom.js';
import { itemsBetween } from './lists.js';

const endbr64 = [0xf3, 0x0f, 0x1e, 0xfa];
/** The 5-byte nop that stands for a call of `__fentry__` before ftrace turns it into one. */
const nop5 = [0x0f, 0x1f, 0x44, 0x00, 0x00];

/**
 * Marks the functions that begin with `call __fentry__` (behind an endbr64 at most). The call must stand in `__mcount_loc`,
 * where the object has that table already, or a nop must be in its place: one that the compiler listed there (-mnop-mcount),
 * or one that recordmcount made of the call and left a relocation of type NONE for.
 */
export function markTraced(elf: ElfFile, atoms: readonly CompiledAtom[]): void {
  const hasTable = sectionNamed(elf, '__mcount_loc') !== undefined;
  for (const atom of atoms) atom.isTraced = atom.kind === 'function' && isTraced(atom, hasTable);
}

function isTraced(atom: CompiledAtom, hasTable: boolean): boolean {
  const entry = hasBytes(atom, 0, endbr64) ? 4 : 0;
  const isListed = atom.special.some(({ section, codeOffset }) => section === '__mcount_loc' && codeOffset === entry);
  if (hasBytes(atom, entry, nop5)) return isListed || atom.noppedCallAt === entry;
  const [call] = itemsBetween(atom.references, entry, entry + 2, ({ at }) => at);
  if (call === undefined || call.target.kind !== 'external' || call.target.name !== '__fentry__') return false;
  return atom.bytes[entry] === 0xe8 && (isListed || !hasTable);
}

function hasBytes(atom: CompiledAtom, at: number, expected: readonly number[]): boolean {
  return expected.every((byte, index) => atom.bytes[at + index] === byte);
}
