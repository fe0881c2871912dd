import type { Atom, Reference } from '../model/atom.js';

/** How code gets to a reference's target by it: `call`, or a jump (`jmp`, `jcc`); undefined if it is no branch to its start. */
export function branchKind(user: Atom, reference: Reference): 'call' | 'jump' | undefined {
  if (user.kind !== 'function' || reference.addend !== -4) return undefined;
  const [before, last] = [user.bytes[reference.at - 2] ?? 0, user.bytes[reference.at - 1] ?? 0];
  if (last === 0xe8) return 'call';
  return last === 0xe9 || (before === 0x0f && (last & 0xf0) === 0x80) ? 'jump' : undefined;
}
