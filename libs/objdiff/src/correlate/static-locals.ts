import type { Reason } from '#libs/contracts';
import { type Atom, isCopied } from '../model/atom.js';
import { listAt } from '../model/lists.js';
import { coldParentName, isNumbered, shapeOf, sourceName } from '../model/names.js';
import type { ObjectFile } from '../model/object-file.js';
import type { SectionRole } from '../model/section-role.js';
import type { Twins } from './twins.js';

/**
 * Static variables of functions (`count.12`). One is the twin of another if the name without its number, the section and
 * a function that refers to it agree, and only one choice is left; where several are left (two `count` in one function),
 * byte-identical functions decide by where they refer to them. Returns those with state that stay undecided.
 */
export function correlateStaticLocals(
  original: ObjectFile,
  patched: ObjectFile,
  twins: Twins,
  scoped: ReadonlySet<string>,
): Map<Atom, Omit<Reason, 'symbol'>> {
  const users = { original: usersOf(original), patched: usersOf(patched) };
  const groups = { original: groupsOf(original, scoped), patched: groupsOf(patched, scoped) };
  const ambiguous = new Map<Atom, Omit<Reason, 'symbol'>>();
  for (const [key, atoms] of groups.patched) {
    const candidates = groups.original.get(key) ?? [];
    pairByUse(atoms, candidates, users, twins);
    const left = candidates.filter((candidate) => twins.patchedOf(candidate) === undefined);
    if (left.length === 0) continue;
    const choices = left.slice(0, maxNamed).map(({ name }) => name);
    if (left.length > maxNamed) choices.push(`${left.length - maxNamed} more`);
    for (const atom of atoms) {
      if (twins.originalOf(atom) !== undefined || atom.role === 'readonly') continue;
      ambiguous.set(atom, {
        code: 'static-local-ambiguous',
        reason: `the original has ${choices.join(', ')}, and which of them it is can't be told`,
        advice: 'Keep the variable in the function it was in, or keep its state in a new variable with another name.',
      });
    }
  }
  return ambiguous;
}

/** So many are named in a reason. */
const maxNamed = 12;

const hasState: ReadonlySet<SectionRole> = new Set(['data', 'sealed', 'readonly', 'percpu']);

type Users = ReadonlyMap<Atom, readonly { user: Atom; at: number }[]>;

function pairByUse(
  atoms: readonly Atom[],
  candidates: readonly Atom[],
  users: { original: Users; patched: Users },
  twins: Twins,
): void {
  const byPlace = new Map<string, Set<Atom>>();
  for (const candidate of candidates)
    for (const { user, at } of users.original.get(candidate) ?? []) {
      const twin = twins.patchedOf(user);
      if (twin !== undefined && sameBytes(user, twin)) setAt(byPlace, placeOf(twin, at)).add(candidate);
    }
  for (const atom of atoms) {
    const uses = users.patched.get(atom) ?? [];
    const only = onlyOneOf(uses.map(({ user, at }) => byPlace.get(placeOf(user, at))));
    if (only !== undefined && twins.patchedOf(only) === undefined) twins.pair(only, atom);
  }
  pairByFunction(atoms, candidates, users, twins);
}

/** Pairs what is left if the functions that refer to it leave one choice, seen from both sides. */
function pairByFunction(
  atoms: readonly Atom[],
  candidates: readonly Atom[],
  users: { original: Users; patched: Users },
  twins: Twins,
): void {
  const names = (of: Users, atom: Atom) => [...new Set((of.get(atom) ?? []).map(({ user }) => functionName(user)))];
  const openAtoms = atoms.filter((atom) => twins.originalOf(atom) === undefined);
  const openCandidates = candidates.filter((candidate) => twins.patchedOf(candidate) === undefined);
  const atomsOf = new Map<string, Set<Atom>>();
  for (const atom of openAtoms) for (const name of names(users.patched, atom)) setAt(atomsOf, name).add(atom);
  const candidatesOf = new Map<string, Set<Atom>>();
  for (const candidate of openCandidates)
    for (const name of names(users.original, candidate)) setAt(candidatesOf, name).add(candidate);
  for (const atom of openAtoms) {
    const only = onlyOneOf(names(users.patched, atom).map((name) => candidatesOf.get(name)));
    if (only === undefined) continue;
    if (onlyOneOf(names(users.original, only).map((name) => atomsOf.get(name))) !== undefined) twins.pair(only, atom);
  }
}

function setAt(sets: Map<string, Set<Atom>>, key: string): Set<Atom> {
  const known = sets.get(key) ?? new Set();
  sets.set(key, known);
  return known;
}

/** What is in these sets, if it is one thing alone. A function may have thousands of variables: the second one decides. */
function onlyOneOf(sets: readonly (ReadonlySet<Atom> | undefined)[]): Atom | undefined {
  let only: Atom | undefined;
  for (const set of sets)
    for (const atom of set ?? []) {
      if (only !== undefined && only !== atom) return undefined;
      only = atom;
    }
  return only;
}

/** Inlined, cold and cloned parts count as the function of the source they came from. */
function functionName(user: Atom): string {
  return sourceName(coldParentName(user.name) ?? user.name);
}

function placeOf(user: Atom, at: number): string {
  return `${user.name}\0${user.section.index}\0${at}`;
}

function sameBytes(a: Atom, b: Atom): boolean {
  return Buffer.compare(a.bytes, b.bytes) === 0;
}

function usersOf(object: ObjectFile): Users {
  const users = new Map<Atom, { user: Atom; at: number }[]>();
  for (const user of object.atoms)
    for (const { target, at } of user.references)
      if (target.kind === 'atom') listAt(users, target.atom).push({ user, at });
  return users;
}

function groupsOf(object: ObjectFile, scoped: ReadonlySet<string>): Map<string, Atom[]> {
  const groups = new Map<string, Atom[]>();
  for (const atom of object.atoms) {
    const isFirst = scoped.has(atom.name);
    if (!hasState.has(atom.role) || (!isNumbered(atom.name) && !isFirst) || isCopied(atom)) continue;
    const shape = isFirst ? `${atom.name}.#` : shapeOf(atom.name);
    const key = `${atom.role} ${atom.global ? 'global' : 'local'} ${shape}`;
    listAt(groups, key).push(atom);
  }
  return groups;
}
