import type { Reason } from '#libs/contracts';
import { type Atom, isCopied } from '../model/atom.js';
import { listAt } from '../model/lists.js';
import { isNumbered, shapeOf } from '../model/names.js';
import type { ObjectFile } from '../model/object-file.js';
import { correlateStaticLocals } from './static-locals.js';
import { Twins } from './twins.js';

export interface Correlation {
  readonly twins: Twins;
  /** Variables with state whose twin can't be told: whoever needs one of them is refused. */
  readonly ambiguous: ReadonlyMap<Atom, Omit<Reason, 'symbol'>>;
}

/**
 * Pairs what is the same thing before and after. Functions: any pairing is sound (a function that has a twin and differs is
 * redirected, whatever it was called), so equal names come first and then equal shapes in order. Variables hold
 * state, so a wrong pair would mix two states up: equal names, and static locals only by who refers to them.
 */
export function correlate(original: ObjectFile, patched: ObjectFile): Correlation {
  const twins = new Twins();
  for (const kind of ['function', 'data'] as const) {
    const originals = original.atoms.filter((atom) => atom.kind === kind && hasIdentity(atom));
    const byName = new Map(originals.map((atom) => [identityOf(atom), atom]));
    for (const atom of patched.atoms) {
      if (atom.kind !== kind || !hasIdentity(atom)) continue;
      const twin = byName.get(identityOf(atom));
      if (twin !== undefined && twins.patchedOf(twin) === undefined) twins.pair(twin, atom);
    }
  }
  correlateInOrder(original, patched, twins);
  return { twins, ambiguous: correlateStaticLocals(original, patched, twins) };
}

/** Snippets have no names, numbered data has no name of its own, and what is always copied has no twin. */
function hasIdentity(atom: Atom): boolean {
  return atom.kind === 'function' ? atom.role !== 'aux' : !isNumbered(atom.name) && !isCopied(atom);
}

function identityOf(atom: Atom): string {
  return `${atom.global ? 'global' : 'local'} ${atom.name}`;
}

/** `f.constprop.0` may have become `f.constprop.1`, and an initcall's name has a counter and a line in it. */
function correlateInOrder(original: ObjectFile, patched: ObjectFile, twins: Twins): void {
  const free = new Map<string, Atom[]>();
  for (const atom of original.atoms) {
    if (!isOrdered(atom) || twins.patchedOf(atom) !== undefined) continue;
    listAt(free, orderKey(atom)).push(atom);
  }
  for (const atom of patched.atoms) {
    if (!isOrdered(atom) || twins.originalOf(atom) !== undefined) continue;
    const twin = free.get(orderKey(atom))?.shift();
    if (twin !== undefined) twins.pair(twin, atom);
  }
}

/** Numbered functions, and entries of tables, which are never included: order can only mislead into a refusal. */
function isOrdered(atom: Atom): boolean {
  if (!isNumbered(atom.name)) return false;
  return atom.kind === 'function' || atom.role === 'registry' || atom.role === 'init' || atom.role === 'annotation';
}

function orderKey(atom: Atom): string {
  return `${atom.kind} ${atom.role} ${shapeOf(atom.name)}`;
}
