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
  const scoped = scopedNames(original, patched);
  const hasIdentity = (atom: Atom) => hasOwnName(atom) && !scoped.has(atom.name);
  for (const kind of ['function', 'data'] as const) {
    const originals = original.atoms.filter((atom) => atom.kind === kind && hasIdentity(atom));
    const byName = new Map(originals.map((atom) => [identityOf(atom), atom]));
    for (const atom of patched.atoms) {
      if (atom.kind !== kind || !hasIdentity(atom)) continue;
      const twin = byName.get(identityOf(atom));
      if (twin !== undefined && twins.patchedOf(twin) === undefined) twins.pair(twin, atom);
    }
  }
  correlateAcrossScopes(original, patched, twins, hasIdentity);
  correlateInOrder(original, patched, twins);
  return { twins, ambiguous: correlateStaticLocals(original, patched, twins, scoped) };
}

/** Snippets have no names, numbered data has no name of its own, and what is always copied has no twin. */
function hasOwnName(atom: Atom): boolean {
  return atom.kind === 'function' ? atom.role !== 'aux' : !isNumbered(atom.name) && !isCopied(atom);
}

/**
 * clang calls the first static variable `count` of f `f.count`, and the next one `f.count.1`: where there are several, before
 * or after the fix, the first one's name tells no more than a number does.
 */
function scopedNames(...objects: readonly ObjectFile[]): ReadonlySet<string> {
  const names = objects.flatMap(({ atoms }) => atoms.filter(({ kind }) => kind === 'data').map(({ name }) => name));
  const numbered = names.filter((name) => /^[^.]+\..+\.\d+$/.test(name));
  return new Set(numbered.map((name) => name.replace(/\.\d+$/, '')));
}

function identityOf(atom: Atom): string {
  return `${atom.global ? 'global' : 'local'} ${atom.name}`;
}

/** What was static may have become global, or the other way round: it is the same thing, if only one has that name. */
function correlateAcrossScopes(
  original: ObjectFile,
  patched: ObjectFile,
  twins: Twins,
  hasIdentity: (atom: Atom) => boolean,
): void {
  const free = new Map<string, Atom[]>();
  for (const atom of original.atoms)
    if (hasIdentity(atom) && isNamed(atom) && twins.patchedOf(atom) === undefined)
      listAt(free, nameKey(atom)).push(atom);
  const open = new Map<string, Atom[]>();
  for (const atom of patched.atoms)
    if (hasIdentity(atom) && isNamed(atom) && twins.originalOf(atom) === undefined)
      listAt(open, nameKey(atom)).push(atom);
  for (const [key, [patchedOne, ...morePatched]] of open) {
    const [originalOne, ...moreOriginal] = free.get(key) ?? [];
    if (originalOne === undefined || patchedOne === undefined) continue;
    if (moreOriginal.length + morePatched.length === 0) twins.pair(originalOne, patchedOne);
  }
}

function nameKey({ kind, name }: Atom): string {
  return `${kind} ${name}`;
}

function isNamed(atom: Atom): boolean {
  return atom.symbols.length > 0;
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
