import type { FileDelta, Hunk } from '../hunks/delta.js';
import { partsOf, stemOf, stopWords } from './words.js';

/** A hunk's place in the delta and what its text gives as evidence. */
export interface HunkWords {
  readonly file: number;
  readonly hunk: number;
  readonly at: number;
  readonly functions: ReadonlySet<string>;
  /** Identifiers and stems of words, lower-case, with how near they are to the change: 1 in changed lines, less around. */
  readonly weights: ReadonlyMap<string, number>;
  /** Identifiers that stand in added lines and in no removed or near one, or the other way round. */
  readonly fresh: ReadonlySet<string>;
  /** All identifiers of changed lines. */
  readonly changed: ReadonlySet<string>;
}

const inChange = 1;
const inName = 1;
const inNear = 0.35;
/** Identifiers of a hunk that count; past it (a whole file) more would only blur. */
const maxIdentifiers = 3000;

function identifiersOf(lines: readonly string[]): Set<string> {
  const found = new Set<string>();
  for (const line of lines) {
    for (const [identifier] of line.slice(0, 1000).matchAll(/[A-Za-z_]\w{2,}/g)) found.add(identifier);
    if (found.size > maxIdentifiers) break;
  }
  return found;
}

/** What subjects call a change whose lines don't say it: `params: Sort headers`, `params: Fix multi-line comment style`. */
function kindOf(lines: readonly string[]): string[] {
  const full = lines.filter((line) => line.trim() !== '');
  if (full.length === 0) return [];
  if (full.every((line) => /^\s*#\s*include\b/.test(line))) return ['headers', 'include'];
  return full.every((line) => /^\s*(?:\/?\*|\/\/)/.test(line)) ? ['comment', 'typo'] : [];
}

export function hunkWords(file: number, index: number, hunk: Hunk): HunkWords {
  const weights = new Map<string, number>();
  const put = (token: string, weight: number): void => {
    if ((weights.get(token) ?? 0) < weight) weights.set(token, weight);
  };
  const collect = (identifiers: Iterable<string>, weight: number): void => {
    for (const identifier of identifiers) {
      put(identifier.toLowerCase(), weight);
      for (const part of partsOf(identifier)) {
        const stem = stemOf(part);
        if (stem.length >= 3 && !stopWords.has(stem)) put(stem, weight * 0.8);
      }
    }
  };
  const added = identifiersOf(hunk.added);
  const removed = identifiersOf(hunk.removed);
  const near = identifiersOf(hunk.near);
  collect(added, inChange);
  collect(removed, inChange);
  collect(hunk.functions, inName);
  collect(near, inNear);
  collect(kindOf([...hunk.added, ...hunk.removed]), inChange);
  const fresh = new Set<string>();
  for (const name of added) if (!removed.has(name) && !near.has(name)) fresh.add(name);
  for (const name of removed) if (!added.has(name) && !near.has(name)) fresh.add(name);
  return {
    file,
    hunk: index,
    at: hunk.at,
    functions: new Set(hunk.functions),
    weights,
    fresh,
    changed: new Set([...added, ...removed]),
  };
}

export function allHunkWords(files: readonly FileDelta[]): HunkWords[] {
  return files.flatMap((delta, file) => delta.hunks.map((hunk, index) => hunkWords(file, index, hunk)));
}

/** ln(n / df): how much a token tells, by how few of the hunks have it in or right around the change. */
export class Rarity {
  private readonly counts = new Map<string, number>();

  /** @param atLeast the number of hunks that a smaller step is taken for a part of. */
  constructor(
    private readonly documents: readonly ReadonlyMap<string, number>[],
    private readonly atLeast = 0,
  ) {
    for (const weights of documents) {
      for (const token of weights.keys()) this.counts.set(token, (this.counts.get(token) ?? 0) + 1);
    }
  }

  /** How many hunks have it. */
  count(token: string): number {
    return this.counts.get(token) ?? 0;
  }

  of(token: string): number {
    return Math.log((Math.max(this.documents.length, this.atLeast) + 1) / (this.count(token) + 0.5));
  }
}
