import type { FileDelta } from '../hunks/delta.js';
import type { Belief, Weights } from './belief.js';
import type { Claim, Favourite } from './claim.js';
import { closeOver } from './closure.js';
import { demandOn, isSure } from './demand.js';
import { groupsOf } from './groups.js';
import { believeAll, Evidence } from './look.js';
import { fitsPath, groundOf, isNamed, type Pair } from './pairs.js';
import { precedenceOf } from './precedence.js';
import type { SubjectWords } from './subject.js';
import { stages } from './weights.js';

export interface Attribution {
  readonly hunks: readonly { readonly file: number; readonly hunk: number }[];
  /** One for each of `hunks`; undefined where nothing speaks clearly for one subject. */
  readonly claims: readonly (Claim | undefined)[];
  /** For each subject the hunk that it is believed most to be of, whether or not it got it. */
  readonly nearest: readonly ({ readonly hunk: number; readonly belief: number } | undefined)[];
  /** For each subject those whose commits come before its own, if they have any. */
  readonly before: ReadonlyMap<number, ReadonlySet<number>>;
  /** Whether a subject's own words had to stand in a hunk: the step's prefixes don't tell enough of where a change is. */
  readonly byNamesAlone: boolean;
  /** For hunks that nobody claims: the name by which some of them belong together. */
  readonly groups: ReadonlyMap<number, string>;
}

/** Share of the subjects whose prefix fits some path, from which on prefixes say where a change is: the kernel's do. */
const minPlaced = 0.7;
/** So few of them say nothing about how a history writes its subjects. */
const fewSubjects = 5;
/** A longer hunk is more than a declaration or a call that something needs. */
const maxNeeded = 30;

/**
 * Gives each hunk to the subject that its path, its text and its neighbours speak for, or to none: first each pair by itself,
 * then by what the hunks linked with it are believed to be; then what those need to compile.
 * @param looks the weights of each look.
 */
export function attribute(
  files: readonly FileDelta[],
  subjects: readonly string[],
  looks: readonly Weights[] = stages,
): Attribution {
  const evidence = new Evidence(files, subjects);
  const { hunks, symbols } = evidence;
  let look = evidence.first();
  const placed = placedSubjects(look.pairs, evidence.words);
  let beliefs: readonly Belief[] = [];
  for (const [at, weights] of looks.entries()) {
    if (at > 0) look = evidence.again(look, beliefs);
    beliefs = believeAll(look, weights);
  }
  const { pairs } = look;
  const prefixed = subjects.length - placed.size <= (1 - minPlaced) * subjects.length + fewSubjects;
  const demand = demandOn(beliefs);
  const isGrounded = ({ subject, by, named, placed: here }: Favourite, path: string): boolean =>
    demand.grounds.has(by) && (named || (prefixed && placed.has(subject))) && (here || !isCatalogue(path));
  const favourites = favouritesOf(pairs, beliefs).map((best, index) =>
    best && isGrounded(best, files[hunks[index]?.file ?? 0]?.path ?? '') ? best : undefined,
  );
  const claims = closeOver(
    symbols,
    favourites.map((best, index) => (best && isSure(demand, best, hunks[index]?.size ?? 0) ? best : undefined)),
    favourites.map((best, index) => ((hunks[index]?.size ?? 0) <= maxNeeded ? best : undefined)),
  );
  return {
    hunks: hunks.map(({ file, hunk }) => ({ file, hunk })),
    claims,
    nearest: nearestOf(pairs, beliefs, subjects.length),
    before: precedenceOf(symbols, claims),
    byNamesAlone: !demand.grounds.has('path'),
    groups: groupsOf(symbols, (hunk) => claims[hunk] === undefined),
  };
}

function nearestOf(
  pairs: readonly (readonly Pair[])[],
  beliefs: readonly Belief[],
  subjects: number,
): Attribution['nearest'] {
  const nearest = Array.from<Attribution['nearest'][number]>({ length: subjects });
  for (const [hunk, list] of pairs.entries()) {
    for (const [place, { subject }] of list.entries()) {
      const belief = beliefs[hunk]?.of[place] ?? 0;
      if (belief > (nearest[subject]?.belief ?? 0)) nearest[subject] = { hunk, belief };
    }
  }
  return nearest;
}

function favouritesOf(pairs: readonly (readonly Pair[])[], beliefs: readonly Belief[]): (Favourite | undefined)[] {
  return pairs.map((list, index) => {
    let best: Favourite | undefined;
    for (const [place, pair] of list.entries()) {
      const belief = beliefs[index]?.of[place] ?? 0;
      if (belief > (best?.belief ?? 0))
        best = { subject: pair.subject, belief, by: groundOf(pair), named: isNamed(pair), placed: fitsPath(pair) };
    }
    return best;
  });
}

/** gettext's: it quotes the texts of all the code, so that words in it are nobody's in particular. */
function isCatalogue(path: string): boolean {
  return /\.pot?$/.test(path);
}

/**
 * Subjects whose prefix fits some path. Of others (`Fix a crash on start`) words alone decide, and they decide badly: such a one has only
 * hunks in which a name of it stands.
 */
function placedSubjects(pairs: readonly (readonly Pair[])[], words: readonly SubjectWords[]): Set<number> {
  const placed = new Set<number>();
  for (const list of pairs) {
    for (const pair of list) {
      if (fitsPath(pair) && (words[pair.subject]?.prefix.length ?? 0) > 0) placed.add(pair.subject);
    }
  }
  return placed;
}
