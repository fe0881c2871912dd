import type { FileDelta, Hunk } from '../hunks/delta.js';
import { actsOf } from './acts.js';
import { companyOf } from './company.js';
import { formOf } from './form.js';
import { partsOf, stemOf, stopWords } from './words.js';

/** A hunk's place in the delta and what its text gives as evidence. */
export interface HunkWords {
  readonly file: number;
  readonly hunk: number;
  readonly at: number;
  /** Lines that it takes of the old file. */
  readonly removed: number;
  /** Lines that it adds and removes. */
  readonly size: number;
  readonly functions: ReadonlySet<string>;
  /**
   * Identifiers and stems of words, lower-case, with where the nearest one stands: 0 around the change, 1 in the name of what it
   * stands in, 2 in its own lines.
   */
  readonly words: ReadonlyMap<string, number>;
  /** Identifiers that stand in added lines and in no removed or near one, or the other way round. */
  readonly fresh: ReadonlySet<string>;
  /** All identifiers of changed lines. */
  readonly changed: ReadonlySet<string>;
  /** What it does to the code, as far as its form tells (`actsOf`). */
  readonly acts: ReadonlySet<string>;
  /** What it is apart from its words (`formOf`). */
  readonly form: readonly string[];
  /** The words of subjects that its changed lines and its form speak for (`companyOf`). */
  readonly company: ReadonlyMap<string, number>;
  /** What changes, without the words that differ from place to place: the same edit has the same one. */
  readonly edit: string | undefined;
}

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

function hunkWords(file: number, delta: FileDelta, index: number, hunk: Hunk): HunkWords {
  const words = new Map<string, number>();
  const collect = (identifiers: Iterable<string>, zone: number): void => {
    const put = (token: string): void => {
      if ((words.get(token) ?? -1) < zone) words.set(token, zone);
    };
    for (const identifier of identifiers) {
      put(identifier.toLowerCase());
      for (const part of partsOf(identifier)) {
        const stem = stemOf(part);
        if (stem.length >= 3 && !stopWords.has(stem)) put(stem);
      }
    }
  };
  const added = identifiersOf(hunk.added);
  const removed = identifiersOf(hunk.removed);
  const near = identifiersOf(hunk.near);
  collect(near, 0);
  collect(hunk.functions, 1);
  collect(added, 2);
  collect(removed, 2);
  const fresh = new Set<string>();
  for (const name of added) if (!removed.has(name) && !near.has(name)) fresh.add(name);
  for (const name of removed) if (!added.has(name) && !near.has(name)) fresh.add(name);
  const acts = actsOf(hunk);
  const form = formOf(delta, hunk, acts);
  return {
    file,
    hunk: index,
    at: hunk.at,
    removed: hunk.removed.length,
    size: hunk.added.length + hunk.removed.length,
    functions: new Set(hunk.functions),
    words,
    fresh,
    changed: new Set([...added, ...removed]),
    acts,
    form,
    company: companyOf(words, form),
    edit: editOf(hunk),
  };
}

/** Longer ones are seldom made twice. */
const maxEditLines = 8;

function editOf({ added, removed }: Hunk): string | undefined {
  if (added.length + removed.length > maxEditLines) return undefined;
  const text = [...removed.map((line) => `-${line.trim()}`), ...added.map((line) => `+${line.trim()}`)].join('\n');
  return /\w{3}/.test(text) && text.length <= 800 ? text : undefined;
}

export function allHunkWords(files: readonly FileDelta[]): HunkWords[] {
  return files.flatMap((delta, file) => delta.hunks.map((hunk, index) => hunkWords(file, delta, index, hunk)));
}

/** ln(n / df): how much a token tells, by how few of the hunks have it in or right around the change. */
export class Rarity {
  private readonly counts = new Map<string, number>();

  /** @param atLeast the number of hunks that a smaller step is taken for a part of. */
  constructor(
    private readonly documents: readonly ReadonlyMap<string, unknown>[],
    private readonly atLeast = 0,
  ) {
    for (const words of documents) {
      for (const token of words.keys()) this.counts.set(token, (this.counts.get(token) ?? 0) + 1);
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
