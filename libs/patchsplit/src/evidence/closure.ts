import type { Claim } from './claim.js';
import type { NameUse, SymbolIndex } from './symbol-index.js';

const maxRounds = 4;
/** Of what a commit alone needs, at least so much is believed to be its own: else it is often an earlier commit's that it rests on. */
const minFavour = 0.45;
/** How sure it is then. */
const neededBelief = 0.6;

/**
 * Gives unclaimed hunks to the commits that don't compile without them: what declares a new name to the one that uses it, what
 * ceases to use a name to the one that drops it, calls with another parameter to the one that changes the function. Only to one
 * that needs it alone; of a hunk that several need it isn't known whose it is.
 */
export function closeOver(
  index: SymbolIndex,
  claims: readonly (Claim | undefined)[],
  favourites: readonly (Claim | undefined)[],
): (Claim | undefined)[] {
  const needs: readonly (readonly [
    readonly NameUse[],
    (use: NameUse) => readonly number[],
    (use: NameUse) => readonly number[],
  ])[] = [
    [index.brought(), makers, takers],
    [index.dropped(), takers, makers],
    [index.redeclared(), all, all],
  ];
  const closed = [...claims];
  for (let round = 0; round < maxRounds; round++) {
    const wanted = new Map<number, Set<number>>();
    for (const [uses, needed, needing] of needs) {
      for (const use of uses) {
        const subjects = new Set(needing(use).flatMap((hunk) => closed[hunk]?.subject ?? []));
        for (const hunk of needed(use)) {
          if (closed[hunk] || subjects.size === 0) continue;
          const known = wanted.get(hunk);
          if (known) for (const subject of subjects) known.add(subject);
          else wanted.set(hunk, new Set(subjects));
        }
      }
    }
    let moved = false;
    for (const [hunk, subjects] of wanted) {
      const claim = neededClaim(subjects, favourites[hunk]);
      if (claim) closed[hunk] = claim;
      moved ||= claim !== undefined;
    }
    if (!moved) break;
  }
  return closed;
}

const makers = (use: NameUse): readonly number[] => use.makers;
const takers = (use: NameUse): readonly number[] => use.takers;
const all = (use: NameUse): readonly number[] => [...use.makers, ...use.takers];

function neededClaim(subjects: ReadonlySet<number>, favourite: Claim | undefined): Claim | undefined {
  const [subject] = subjects;
  if (subject === undefined || subjects.size > 1) return undefined;
  if (favourite?.subject !== subject || favourite.belief < minFavour) return undefined;
  return { subject, belief: neededBelief, by: 'needed' };
}
