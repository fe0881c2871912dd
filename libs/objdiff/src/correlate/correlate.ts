import type { Reason } from '#libs/contracts';
import { SymbolType } from '#libs/elf';
import { type Atom, isCopied } from '../model/atom.js';
import { lastAtOrBefore, listAt } from '../model/lists.js';
import { isNumbered, shapeOf } from '../model/names.js';
import type { ObjectFile } from '../model/object-file.js';
import { isCompoundLiteral } from './literal-content.js';
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
  correlateByName(original, patched, twins, hasIdentity);
  const unsure = correlateAcrossScopes(original, patched, twins, hasIdentity);
  correlateInOrder(original, patched, twins);
  return { twins, ambiguous: new Map([...unsure, ...correlateStaticLocals(original, patched, twins, scoped)]) };
}

/**
 * Equal names. An object that is linked of several (`ld -r`) may have a name once for each of its files; where one file has it more than
 * once, the first is the first: of functions any is good, and of variables as many must be there as before.
 */
function correlateByName(
  original: ObjectFile,
  patched: ObjectFile,
  twins: Twins,
  hasIdentity: (atom: Atom) => boolean,
): void {
  const originals = byIdentity(original, hasIdentity);
  for (const [identity, atoms] of byIdentity(patched, hasIdentity)) {
    const candidates = originals.get(identity) ?? [];
    if (atoms[0]?.kind !== 'function' && atoms.length !== candidates.length) continue;
    for (const [at, atom] of atoms.entries()) {
      const candidate = candidates[at];
      if (candidate !== undefined) twins.pair(candidate, atom);
    }
  }
}

function byIdentity(object: ObjectFile, hasIdentity: (atom: Atom) => boolean): ReadonlyMap<string, readonly Atom[]> {
  const fileOf = filesOf(object);
  const atoms = new Map<string, Atom[]>();
  for (const atom of object.atoms) {
    if (!hasIdentity(atom)) continue;
    const scope = atom.global ? 'global' : `local ${fileOf(atom)}`;
    listAt(atoms, `${atom.kind} ${scope} ${atom.name}`).push(atom);
  }
  return atoms;
}

/** The source file that a local symbol is from, where an object is of several: each file's symbols follow its own (ELF, “Symbol Table”). */
function filesOf({ elf }: ObjectFile): (atom: Atom) => string {
  const files = elf.symbols.filter(({ type }) => type === SymbolType.FILE);
  if (files.length < 2) return () => '';
  return (atom) => lastAtOrBefore(files, atom.symbols[0]?.index ?? 0, ({ index }) => index)?.name ?? '';
}

/** Snippets have no names, numbered data and literals have no name of their own, and what is always copied has no twin. */
function hasOwnName(atom: Atom): boolean {
  if (atom.kind === 'function') return atom.role !== 'aux';
  return !isNumbered(atom.name) && !isCompoundLiteral(atom) && !isCopied(atom);
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

/**
 * What was static may have become global, or the other way round: it is the same thing, if only one has that name. Gives the variables
 * of which several have it.
 */
function correlateAcrossScopes(
  original: ObjectFile,
  patched: ObjectFile,
  twins: Twins,
  hasIdentity: (atom: Atom) => boolean,
): Map<Atom, Omit<Reason, 'symbol'>> {
  const unsure = new Map<Atom, Omit<Reason, 'symbol'>>();
  const free = new Map<string, Atom[]>();
  for (const atom of original.atoms)
    if (hasIdentity(atom) && isNamed(atom) && twins.patchedOf(atom) === undefined)
      listAt(free, nameKey(atom)).push(atom);
  const open = new Map<string, Atom[]>();
  for (const atom of patched.atoms)
    if (hasIdentity(atom) && isNamed(atom) && twins.originalOf(atom) === undefined)
      listAt(open, nameKey(atom)).push(atom);
  for (const [key, atoms] of open) {
    const originals = free.get(key) ?? [];
    const [originalOne] = originals;
    const [patchedOne] = atoms;
    if (originalOne === undefined || patchedOne === undefined) continue;
    if (originals.length + atoms.length === 2) twins.pair(originalOne, patchedOne);
    else if (patchedOne.kind === 'data')
      for (const atom of atoms)
        unsure.set(atom, {
          code: 'static-local-ambiguous',
          reason: `the original has ${originals.length} of that name left, and which of them it is can't be told`,
          advice: 'Give what is new a name of its own.',
        });
  }
  return unsure;
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
