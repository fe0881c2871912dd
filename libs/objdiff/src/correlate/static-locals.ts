import type { Reason } from '#libs/contracts';
import { type Atom, isCopied } from '../model/atom.js';
import { itemsBetween, listAt } from '../model/lists.js';
import { coldParentName, isNumbered, shapeOf, sourceName } from '../model/names.js';
import type { ObjectFile } from '../model/object-file.js';
import type { SectionRole } from '../model/section-role.js';
import { type Use, Uses } from '../model/uses.js';
import { AtomIds, isCompoundLiteral, LiteralContents } from './literal-content.js';
import type { Twins } from './twins.js';

/**
 * Static variables of functions (`count.12`). One is the twin of another if the name without its number, the section and
 * a function that refers to it agree, and only one choice is left; where several are left (two `count` in one function),
 * byte-identical functions decide by where they refer to them. What only another such variable refers to (literals within literals)
 * waits for that one's twin. Returns those with state that stay undecided.
 */
export function correlateStaticLocals(
  original: ObjectFile,
  patched: ObjectFile,
  twins: Twins,
  scoped: ReadonlySet<string>,
): Map<Atom, Omit<Reason, 'symbol'>> {
  const users = { original: new Uses(original, 'own'), patched: new Uses(patched, 'own') };
  const groups = { original: groupsOf(original, scoped), patched: groupsOf(patched, scoped) };
  const ambiguous = new Map<Atom, Omit<Reason, 'symbol'>>();
  for (let round = 0; round < maxRounds; round++) {
    const before = twins.count;
    for (const [key, atoms] of groups.patched) pairByUse(atoms, groups.original.get(key) ?? [], users, twins);
    if (twins.count === before) break;
  }
  for (const [key, atoms] of groups.patched) {
    const candidates = groups.original.get(key) ?? [];
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

/** Deeper than literals stand within literals: hwmon's tables of channels are three deep. */
const maxRounds = 12;

/** So many literals are gone through, from one outwards to what has a name. */
const maxOuter = 64;

/** So many are named in a reason. */
const maxNamed = 12;

const hasState: ReadonlySet<SectionRole> = new Set(['data', 'sealed', 'readonly', 'percpu']);

function pairByUse(
  atoms: readonly Atom[],
  candidates: readonly Atom[],
  users: { original: Uses; patched: Uses },
  twins: Twins,
): void {
  if (!atoms.some((atom) => twins.originalOf(atom) === undefined)) return;
  if (atoms.some(isCompoundLiteral)) pairByContent(atoms, candidates, users, twins);
  const choices = new SamePlaces(candidates, twins);
  for (const atom of atoms) {
    if (twins.originalOf(atom) !== undefined) continue;
    const only = onlyOneOf(choices.of(users.patched.get(atom)));
    if (only !== undefined && twins.patchedOf(only) === undefined) twins.pair(only, atom);
  }
  pairByFunction(atoms, candidates, users, twins);
}

/** What byte-identical functions refer to at the same places before the fix. */
class SamePlaces {
  private readonly candidates: ReadonlySet<Atom>;
  /** Of a function of the patched object, its original if both are byte-identical. It may have a million references. */
  private readonly equals = new Map<Atom, Atom | undefined>();

  constructor(
    candidates: readonly Atom[],
    private readonly twins: Twins,
  ) {
    this.candidates = new Set(candidates);
  }

  /** Of each use as it is asked for: the first two mostly decide. */
  *of(uses: Iterable<Use>): Generator<readonly Atom[]> {
    for (const { user, reference } of uses) yield this.at(user, reference.at);
  }

  private at(user: Atom, place: number): readonly Atom[] {
    const original = this.originalOf(user);
    const found = original === undefined ? [] : itemsBetween(original.references, place - 1, place + 1, ({ at }) => at);
    return found.flatMap(({ target }) =>
      target.kind === 'atom' && this.candidates.has(target.atom) ? [target.atom] : [],
    );
  }

  private originalOf(user: Atom): Atom | undefined {
    if (!this.equals.has(user)) {
      const original = this.twins.originalOf(user);
      this.equals.set(user, original !== undefined && sameBytes(original, user) ? original : undefined);
    }
    return this.equals.get(user);
  }
}

type NamesOf = (side: 'original' | 'patched', atom: Atom) => readonly string[];

/** Pairs what is left if the functions that refer to it leave one choice, seen from both sides. */
function pairByFunction(
  atoms: readonly Atom[],
  candidates: readonly Atom[],
  users: { original: Uses; patched: Uses },
  twins: Twins,
): void {
  pairByNames(atoms, candidates, (side, atom) => userNames(users[side], atom), twins);
}

/**
 * Compound literals have no name of their own: of those that a variable refers to, one is told by what it says. A table that gets an
 * element at its beginning keeps the others so.
 */
function pairByContent(
  atoms: readonly Atom[],
  candidates: readonly Atom[],
  users: { original: Uses; patched: Uses },
  twins: Twins,
): void {
  const ids = new AtomIds();
  const contents = {
    original: new LiteralContents('original', twins, ids),
    patched: new LiteralContents('patched', twins, ids),
  };
  const namesOf: NamesOf = (side, atom) => {
    const content = contents[side].of(atom);
    return content === undefined ? [] : userNames(users[side], atom).map((name) => `${name}\0${content}`);
  };
  pairByNames(atoms, candidates, namesOf, twins);
}

/** Of a literal that another one refers to: those of that one. */
function userNames(users: Uses, atom: Atom): readonly string[] {
  const names = new Set<string>();
  const literals = new Set([atom]);
  for (const one of literals)
    for (const user of users.usersOf(one)) {
      if (!isCompoundLiteral(user)) names.add(functionName(user));
      else if (literals.size < maxOuter) literals.add(user);
    }
  return [...names];
}

function pairByNames(atoms: readonly Atom[], candidates: readonly Atom[], namesOf: NamesOf, twins: Twins): void {
  const openAtoms = atoms.filter((atom) => twins.originalOf(atom) === undefined);
  const openCandidates = candidates.filter((candidate) => twins.patchedOf(candidate) === undefined);
  const atomsOf = new Map<string, Set<Atom>>();
  for (const atom of openAtoms) for (const name of namesOf('patched', atom)) setAt(atomsOf, name).add(atom);
  const candidatesOf = new Map<string, Set<Atom>>();
  for (const candidate of openCandidates)
    for (const name of namesOf('original', candidate)) setAt(candidatesOf, name).add(candidate);
  const pairs: [Atom, Atom][] = [];
  for (const atom of openAtoms) {
    const only = onlyOneOf(namesOf('patched', atom).map((name) => candidatesOf.get(name)));
    if (only === undefined) continue;
    if (onlyOneOf(namesOf('original', only).map((name) => atomsOf.get(name))) !== undefined) pairs.push([only, atom]);
  }
  for (const [only, atom] of pairs) twins.pair(only, atom);
}

function setAt(sets: Map<string, Set<Atom>>, key: string): Set<Atom> {
  const known = sets.get(key) ?? new Set();
  sets.set(key, known);
  return known;
}

/** What is in these sets, if it is one thing alone. A function may have thousands of variables: the second one decides. */
function onlyOneOf(sets: Iterable<Iterable<Atom> | undefined>): Atom | undefined {
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

function sameBytes(a: Atom, b: Atom): boolean {
  return Buffer.compare(a.bytes, b.bytes) === 0;
}

function groupsOf(object: ObjectFile, scoped: ReadonlySet<string>): Map<string, Atom[]> {
  const groups = new Map<string, Atom[]>();
  for (const atom of object.atoms) {
    const isFirst = scoped.has(atom.name) || (isCompoundLiteral(atom) && !isNumbered(atom.name));
    if (!hasState.has(atom.role) || (!isNumbered(atom.name) && !isFirst) || isCopied(atom)) continue;
    const shape = isFirst ? `${atom.name}.#` : shapeOf(atom.name);
    const key = `${atom.role} ${atom.global ? 'global' : 'local'} ${shape}`;
    listAt(groups, key).push(atom);
  }
  return groups;
}
