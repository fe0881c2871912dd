import { RelocationType } from '#libs/elf';
import type { Atom, Reference } from './atom.js';
import type { ObjectFile } from './object-file.js';

/** One place that refers to an atom. */
export interface Use {
  readonly user: Atom;
  readonly reference: Reference;
  /** `call f`: the only use after which nobody holds the function's address or runs in it without a frame of its caller. */
  readonly isCall: boolean;
}

/** All uses of each atom in an object, those by special sections included (never as calls). */
export function usesOf(object: ObjectFile): Map<Atom, Use[]> {
  const uses = new Map<Atom, Use[]>();
  const note = (user: Atom, reference: Reference, isCall: boolean) => {
    if (reference.target.kind !== 'atom') return;
    const list = uses.get(reference.target.atom);
    if (list === undefined) uses.set(reference.target.atom, [{ user, reference, isCall }]);
    else list.push({ user, reference, isCall });
  };
  for (const user of object.atoms) {
    for (const reference of user.references) note(user, reference, isCallSite(user, reference));
    for (const entry of user.special)
      for (const reference of [...entry.references, ...(entry.replacement?.references ?? [])])
        if (reference.target.kind === 'atom' && reference.target.atom !== user) note(user, reference, false);
  }
  return uses;
}

/** `e8 rel32`. */
export function isCallSite(user: Atom, reference: Reference): boolean {
  return user.kind === 'function' && user.bytes[reference.at - 1] === 0xe8 && reference.addend === -4;
}

/**
 * Does this reference make a pointer to a function's entry, which may be kept after the new code is gone? Calls, jumps
 * and references into the middle of a function don't.
 */
export function takesAddress(user: Atom, reference: Reference): boolean {
  const relative = reference.type === RelocationType.PC32 || reference.type === RelocationType.PLT32;
  if (!relative || user.kind !== 'function') return reference.addend === 0;
  if (reference.addend !== -4) return false;
  const [before, last] = [user.bytes[reference.at - 2] ?? 0, user.bytes[reference.at - 1] ?? 0];
  const isBranch = last === 0xe8 || last === 0xe9 || (before === 0x0f && (last & 0xf0) === 0x80);
  return !isBranch;
}
