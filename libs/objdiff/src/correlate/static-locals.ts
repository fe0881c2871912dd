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
    for (const atom of atoms) {
      if (twins.originalOf(atom) !== undefined || atom.role === 'readonly') continue;
      ambiguous.set(atom, {
        code: 'static-local-ambiguous',
        reason: `the original has ${left.map(({ name }) => name).join(', ')}, and which of them it is can't be told`,
        advice: 'Keep the variable in the function it was in, or keep its state in a new variable with another name.',
      });
    }
  }
  return ambiguous;
}

const hasState: ReadonlySet<SectionRole> = new Set(['data', 'sealed', 'readonly', 'percpu']);

type Users = ReadonlyMap<Atom, readonly { user: Atom; at: number }[]>;

function pairByUse(
  atoms: readonly Atom[],
  candidates: readonly Atom[],
  users: { original: Users; patched: Users },
  twins: Twins,
): void {
  for (const atom of atoms) {
    const places = new Set((users.patched.get(atom) ?? []).map(({ user, at }) => placeOf(user, at)));
    const exact = candidates.filter((candidate) =>
      (users.original.get(candidate) ?? []).some(({ user, at }) => {
        const twin = twins.patchedOf(user);
        return twin !== undefined && sameBytes(user, twin) && places.has(placeOf(twin, at));
      }),
    );
    if (exact.length === 1 && exact[0] !== undefined && twins.patchedOf(exact[0]) === undefined)
      twins.pair(exact[0], atom);
  }
  const names = (of: Users, atom: Atom) => new Set((of.get(atom) ?? []).map(({ user }) => functionName(user)));
  const related = (a: Atom, b: Atom) => {
    const before = names(users.original, a);
    return [...names(users.patched, b)].some((name) => before.has(name));
  };
  const openAtoms = atoms.filter((atom) => twins.originalOf(atom) === undefined);
  const openCandidates = candidates.filter((candidate) => twins.patchedOf(candidate) === undefined);
  for (const atom of openAtoms) {
    const choices = openCandidates.filter((candidate) => related(candidate, atom));
    const [only] = choices;
    if (only === undefined || choices.length > 1) continue;
    if (openAtoms.filter((other) => related(only, other)).length === 1) twins.pair(only, atom);
  }
}

/** Inlined, cold and cloned parts count as the function of the source they came from. */
function functionName(user: Atom): string {
  return sourceName(coldParentName(user.name) ?? user.name);
}

function placeOf(user: Atom, at: number): string {
  return `${user.name}\0${user.section.index}\0${at}`;
}

function sameBytes(a: Atom, b: Atom): boolean {
  return a.bytes.length === b.bytes.length && a.bytes.every((byte, index) => byte === b.bytes[index]);
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
