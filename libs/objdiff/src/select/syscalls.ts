import type { List } from '#libs/elf';
import type { Atom } from '../model/atom.js';
import type { Use } from '../model/uses.js';

/** `__x64_sys_mount`, `__ia32_compat_sys_ioctl` … (arch/x86/include/asm/syscall_wrapper.h). */
const entry = /^__(?:x64|ia32)_(?:compat_)?sys_\w+$/;

/**
 * Is this the entry of a system call: called by the table of system calls alone, straight from user mode? No function of
 * its own file may refer to it.
 */
export function isSyscallEntry(atom: Atom, uses: List<Use>): boolean {
  return isSyscallEntryName(atom) && uses.every(({ user }) => user.role === 'annotation' || user.role === 'aux');
}

/** By its names alone: a definition without parameters has the entry as an alias of its body. */
export function isSyscallEntryName({ symbols }: Pick<Atom, 'symbols'>): boolean {
  return symbols.some(({ name }) => entry.test(name));
}
