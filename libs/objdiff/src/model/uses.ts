import { type List, RelocationType, Table } from '#libs/elf';
import type { Atom, Reference } from './atom.js';
import type { ObjectFile } from './object-file.js';

/** One place that refers to an atom. */
export interface Use {
  readonly user: Atom;
  readonly reference: Reference;
  /** Does it stand in the user's own bytes, and not in an entry of a special section? */
  readonly isOwn: boolean;
}

/** Who refers to each atom of an object: two numbers a use, which is made when it's asked for. */
export class Uses {
  /** Where the uses of an atom begin; they end where the next atom's begin. */
  private readonly firsts: Uint32Array;
  private readonly users: Uint32Array;
  /** Which of its user's references it is; those of special sections are counted on behind its own. */
  private readonly numbers: Uint32Array;
  private lastSpecial: { readonly user: Atom; readonly references: readonly Reference[] } | undefined;

  /** @param of `all` uses, or those alone that are no entries of special sections. */
  constructor(
    private readonly object: ObjectFile,
    private readonly of: 'all' | 'own' = 'all',
  ) {
    const { atoms } = object;
    this.firsts = new Uint32Array(atoms.length + 1);
    for (const user of atoms)
      this.eachOf(user, (target) => (this.firsts[target + 1] = (this.firsts[target + 1] ?? 0) + 1));
    for (let at = 0; at < atoms.length; at++) this.firsts[at + 1] = (this.firsts[at + 1] ?? 0) + (this.firsts[at] ?? 0);
    const total = this.firsts[atoms.length] ?? 0;
    this.users = new Uint32Array(total);
    this.numbers = new Uint32Array(total);
    const next = this.firsts.slice();
    for (const user of atoms)
      this.eachOf(user, (target, number) => {
        const at = next[target] ?? 0;
        next[target] = at + 1;
        this.users[at] = user.index;
        this.numbers[at] = number;
      });
  }

  /** In the order of their users, those by special sections behind a user's others. */
  get(atom: Atom): List<Use> {
    const first = this.firsts[atom.index] ?? 0;
    const end = this.firsts[atom.index + 1] ?? 0;
    return Table.of(end - first, (index) => this.use(first + index));
  }

  /** Who refers to an atom, each once: one may do so a million times. */
  *usersOf(atom: Atom): Generator<Atom> {
    const end = this.firsts[atom.index + 1] ?? 0;
    let last = -1;
    for (let at = this.firsts[atom.index] ?? 0; at < end; at++) {
      const number = this.users[at] ?? 0;
      if (number === last) continue;
      last = number;
      const user = this.object.atoms[number];
      if (user !== undefined) yield user;
    }
  }

  private eachOf(user: Atom, visit: (target: number, number: number) => void): void {
    this.object.eachTarget(user, visit);
    if (this.of === 'own' || user.special.length === 0) return;
    const own = user.references.length;
    for (const [number, { target }] of this.specialOf(user).entries())
      if (target.kind === 'atom') visit(target.atom.index, own + number);
  }

  private use(at: number): Use {
    const user = this.object.atoms[this.users[at] ?? 0];
    const number = this.numbers[at] ?? 0;
    const own = user?.references.length ?? 0;
    const isOwn = number < own;
    const reference = isOwn ? user?.references.at(number) : user && this.specialOf(user)[number - own];
    if (user === undefined || reference === undefined) throw new RangeError(`use ${at}`);
    return { user, reference, isOwn };
  }

  private specialOf(user: Atom): readonly Reference[] {
    if (this.lastSpecial?.user !== user) this.lastSpecial = { user, references: referencesOut(user) };
    return this.lastSpecial.references;
  }
}

/** What the entries about a function refer to outside of it. */
function referencesOut(user: Atom): readonly Reference[] {
  const found: Reference[] = [];
  for (const { references, replacement } of user.special)
    for (const reference of [...references, ...(replacement?.references ?? [])])
      if (reference.target.kind === 'atom' && reference.target.atom !== user) found.push(reference);
  return found;
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
