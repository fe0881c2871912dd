// Learns which words of code come with which words of subjects: from steps whose commits are known.
import { allHunkWords, changedZone, type HunkWords, wordsOf } from '#libs/patchsplit';
import type { Step } from './step.js';

/** For each word of subjects, the words and forms of hunks that come with it, with how much likelier it makes them (ln). */
export type Companions = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Commits of fewer subsystems with both tell of one driver, not of the words. */
const minPrefixes = 5;
/** How many commits without the word count as much as what is seen of it. */
const prior = 8;
/** Less is chance. */
const minTold = 0.6;
const maxOfWord = 16;
const maxEntries = 2500;
/** Of a commit's hunks: more would be a rewrite. */
const maxHunks = 60;

interface Commit {
  readonly prefix: string;
  readonly said: ReadonlySet<string>;
  /** By the words and forms of its hunks: the share of them that have it. */
  readonly shares: ReadonlyMap<string, number>;
}

export function companionsOf(steps: readonly Step[]): Companions {
  const commits = steps.flatMap(commitsOf);
  const usual = new Map<string, number>();
  for (const { shares } of commits) for (const [token, share] of shares) bump(usual, token, share / commits.length);
  const byWord = new Map<string, Commit[]>();
  for (const commit of commits) {
    for (const word of commit.said) byWord.set(word, [...(byWord.get(word) ?? []), commit]);
  }
  const found = [...byWord].flatMap(([word, having]) => companionsOfWord(word, having, usual));
  found.sort((a, b) => b.worth - a.worth || (a.word < b.word ? -1 : 1) || (a.token < b.token ? -1 : 1));
  const table = new Map<string, Map<string, number>>();
  for (const { word, token, told } of found.slice(0, maxEntries).sort((a, b) => (a.word < b.word ? -1 : 1))) {
    const known = table.get(word) ?? new Map<string, number>();
    table.set(word, known.set(token, Number(told.toFixed(2))));
  }
  return table;
}

function companionsOfWord(
  word: string,
  having: readonly Commit[],
  usual: ReadonlyMap<string, number>,
): { readonly word: string; readonly token: string; readonly told: number; readonly worth: number }[] {
  const sums = new Map<string, number>();
  const prefixes = new Map<string, Set<string>>();
  for (const { prefix, shares } of having) {
    for (const [token, share] of shares) {
      if (token === word) continue;
      bump(sums, token, share);
      const known = prefixes.get(token);
      if (known) known.add(prefix);
      else prefixes.set(token, new Set([prefix]));
    }
  }
  return [...sums]
    .flatMap(([token, sum]) => {
      const expected = usual.get(token) ?? 1;
      const told = Math.log((sum + prior * expected) / (having.length + prior) / expected);
      if (told < minTold || (prefixes.get(token)?.size ?? 0) < minPrefixes) return [];
      return [{ word, token, told, worth: told * sum }];
    })
    .sort((a, b) => b.worth - a.worth)
    .slice(0, maxOfWord);
}

function commitsOf({ files, truth }: Step): Commit[] {
  const hunks = allHunkWords(files);
  const bySubject = new Map<string, HunkWords[]>();
  for (const [index, owners] of truth.entries()) {
    const [owner, second] = [...owners.keys()];
    const hunk = hunks[index];
    if (owner === undefined || second !== undefined || !hunk) continue;
    const known = bySubject.get(owner);
    if (!known) bySubject.set(owner, [hunk]);
    else if (known.length < maxHunks) known.push(hunk);
  }
  return [...bySubject].map(([subject, own]) => {
    const { prefix, said } = wordsOf(subject);
    const shares = new Map<string, number>();
    for (const { words, form } of own) {
      for (const token of form) bump(shares, token, 1 / own.length);
      for (const [token, zone] of words) if (zone === changedZone) bump(shares, token, 1 / own.length);
    }
    return { prefix: prefix.join(' '), said, shares };
  });
}

function bump(sums: Map<string, number>, key: string, by: number): void {
  sums.set(key, (sums.get(key) ?? 0) + by);
}
