import { companions } from './companions.js';

/** What of `companions` a word or form of a hunk brings: each word of subjects with how much likelier it makes it (ln). */
type Bringer = readonly (readonly [word: string, told: number])[];

const bringers: ReadonlyMap<string, Bringer> = invert(companions);

function invert(table: typeof companions): Map<string, Bringer> {
  const inverted = new Map<string, [string, number][]>();
  for (const [word, tokens] of Object.entries(table)) {
    for (const [token, told] of Object.entries(tokens)) {
      const known = inverted.get(token);
      if (known) known.push([word, told]);
      else inverted.set(token, [[word, told]]);
    }
  }
  return inverted;
}

/** The words of subjects for which something in the hunk's changed lines or form speaks, each with the strongest that does. */
export function companyOf(words: ReadonlyMap<string, number>, form: readonly string[]): ReadonlyMap<string, number> {
  const company = new Map<string, number>();
  const bring = (token: string): void => {
    for (const [word, told] of bringers.get(token) ?? []) {
      if ((company.get(word) ?? -Infinity) < told) company.set(word, told);
    }
  };
  for (const [token, zone] of words) if (zone === changedZone) bring(token);
  for (const token of form) bring(token);
  return company;
}

/** Where `HunkWords.words` has the words of the changed lines themselves. */
export const changedZone = 2;

/** Whether anything is known to come with a word of a subject. */
export function hasCompanions(word: string): boolean {
  return Object.hasOwn(companions, word);
}
