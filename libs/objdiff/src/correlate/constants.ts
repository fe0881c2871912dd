import { SymbolBinding } from '#libs/elf';
import { functionChanged } from '../compare/compare.js';
import { Equality } from '../compare/equality.js';
import type { Findings } from '../findings.js';
import type { Atom, Target } from '../model/atom.js';
import type { ObjectFile } from '../model/object-file.js';
import { type Use, Uses } from '../model/uses.js';
import { readsElement } from './reads.js';
import type { Twins } from './twins.js';

/**
 * A constant table that changed or grew can come as a copy if only code of this file uses it, itself or by way of other such
 * tables: its users then differ by what they refer to and get new bodies. A table with pointers to functions may be one of
 * operations, of which the kernel keeps the address: it is only copied if code reads single elements of it. Gives the
 * functions of the kernel's init code that use such a table and are as they were: they have run, and stay out of it.
 */
export function copyChangedConstants(
  original: ObjectFile,
  patched: ObjectFile,
  owner: string,
  twins: Twins,
  findings: Findings,
): ReadonlySet<Atom> {
  const untouched = new Set<Atom>();
  const equality = new Equality(twins);
  const differing = [...twins.entries()].filter(
    ([before, after]) => isConstant(before) && isConstant(after) && !equality.sameContent(before, after),
  );
  if (differing.length === 0) return untouched;
  const tables = new Tables({ original: new Uses(original), patched: new Uses(patched) }, owner, twins);
  for (const [, after] of differing) {
    if (twins.originalOf(after) === undefined) continue;
    const copied = tables.toCopyWith(after) ?? [];
    for (const user of tables.initUsersOf(copied)) {
      const before = twins.originalOf(user);
      if (before !== undefined && !functionChanged(before, user, equality)) untouched.add(user);
    }
    for (const table of copied) {
      twins.separate(table);
      const reason =
        table === after
          ? 'a constant table changed; the functions that use it get a copy of their own'
          : `it points to ${after.name}, which changed; the functions that use it get copies of both`;
      if (tables.isHandedOn(table))
        findings.notice({
          code: 'constant-handed-on',
          symbol: table.name,
          reason: `${reason}, whose address they hand on: who has it may keep it when the patch is taken back`,
        });
      else findings.notice({ code: 'constant-copied', symbol: table.name, reason });
    }
  }
  return untouched;
}

/** A table of device ids has a second, global name, so it is none. */
function isConstant(atom: Atom): boolean {
  return (
    atom.kind === 'data' &&
    atom.role === 'readonly' &&
    atom.symbols.every(({ binding }) => binding === SymbolBinding.LOCAL)
  );
}

function isByInitCode({ user }: Use): boolean {
  return user.kind === 'function' && user.role === 'init';
}

class Tables {
  constructor(
    private readonly uses: { readonly original: Uses; readonly patched: Uses },
    private readonly owner: string,
    private readonly twins: Twins,
  ) {}

  /** The table and all that point to it, if each of them may be copied; in the patched object. */
  toCopyWith(table: Atom): ReadonlySet<Atom> | undefined {
    const tables = new Set([table]);
    for (const one of tables) {
      const before = this.twins.originalOf(one);
      const users = this.uses.patched.get(one);
      const usersBefore = before === undefined ? [] : this.uses.original.get(before);
      if (![users, usersBefore].every((uses) => uses.every((use) => this.isHarmless(use, one)))) return undefined;
      for (const { user } of users) if (isConstant(user)) tables.add(user);
      // One that no longer points to it would be left out, and with it the functions that use it.
      for (const { user } of usersBefore) {
        const after = isConstant(user) ? this.twins.patchedOf(user) : undefined;
        if (after !== undefined) tables.add(after);
      }
    }
    return tables;
  }

  initUsersOf(tables: Iterable<Atom>): readonly Atom[] {
    const users = [...tables].flatMap((table) => this.uses.patched.get(table).filter(isByInitCode));
    return users.map(({ user }) => user);
  }

  /** Does its address get into a register, from where a loop reads it, or a function that is called, or what that keeps? */
  isHandedOn(table: Atom): boolean {
    const users = this.uses.patched.get(table);
    return users.some(({ user, reference }) => user.role === 'text' && !readsElement(user, reference));
  }

  private isHarmless({ user, reference }: Use, table: Atom): boolean {
    if (table.references.some(({ target }) => this.isNewFunction(target))) return false;
    if (isConstant(user)) return true;
    if (user.kind !== 'function') return false;
    // The kernel's own init code is gone, and with it what it did with the table.
    if (user.role === 'init') return this.owner === 'vmlinux';
    return user.role === 'text' && (!this.leadsToFunctions(table) || readsElement(user, reference));
  }

  private leadsToFunctions(table: Atom): boolean {
    return table.references.some(
      ({ target }) => target.kind === 'external' || (target.kind === 'atom' && target.atom.kind === 'function'),
    );
  }

  /** Who reads an element could keep it, and a new function goes with the patch. */
  private isNewFunction(target: Target): boolean {
    if (target.kind !== 'atom' || target.atom.kind !== 'function') return false;
    return this.twins.originalOf(target.atom) === undefined && this.twins.patchedOf(target.atom) === undefined;
  }
}
