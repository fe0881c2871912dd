import { hasCompanions } from './company.js';
import type { HunkWords, Rarity } from './hunk-words.js';
import type { SubjectWords } from './subject.js';

/** What is looked at in a pair of hunk and subject, by itself. */
export const pairFeatures = [
  /** How well the prefix fits the path. */ 'path',
  /** How much better it fits another file. */ 'pathBehind',
  /** How many files it fits as well (ln). */ 'pathFiles',
  /** It fits the path not at all. */ 'noPath',
  /** Names of the subject in the changed lines, in the function's name, around it: each by its rarity. */ 'nameChanged',
  'nameName',
  'nameNear',
  /** Words of the subject, likewise. */ 'wordChanged',
  'wordName',
  'wordNear',
  /** No name or word of the subject is there. */ 'noText',
  /** The rarest of them. */ 'rarest',
  /** The share of the subject's names and words that are there, by rarity. */ 'coverage',
  /** How much better the text of another hunk fits. */ 'textBehind',
  /** How many hunks fit as well, by path and text (ln). */ 'hunksAsGood',
  /** What the subject says that is done, and is done here, or isn't. */ 'actsDone',
  'actsNotDone',
  /** Words of code that come with the subject's words are here (ln of the odds), and the share of the latter of which none is. */ 'company',
  'noCompany',
  /** Lines (ln), and whether they come or go: -1 all go, 1 all come. */ 'size',
  'growth',
  /** The file comes or goes as a whole. */ 'whole',
  /** How many words the subject has (ln), and how many names. */ 'said',
  'names',
  /** What its text says together. */ 'text',
  /** How far it leads the hunk's next best subject: by path and text, by text, by path. */ 'lead',
  'textLead',
  'pathLead',
  /** How many of the hunk's subjects fit as well (ln): by path and text, by path. */ 'rivals',
  'pathRivals',
] as const;
export type PairFeature = (typeof pairFeatures)[number];

/** Tokens from which on a hunk's text tells less. */
const longText = 200;
const maxText = 15;
/** Subjects that fit a path as well as the best, within this. */
export const slack = 0.5;

const at = (feature: PairFeature): number => pairFeatures.indexOf(feature);
/** Where each feature stands. */
export const place = Object.fromEntries(pairFeatures.map((name) => [name, at(name)])) as Record<PairFeature, number>;

/** The files that a subject's prefix speaks for or against: how much, and how many it speaks for as much. */
export interface PathFit {
  readonly files: ReadonlyMap<number, { readonly score: number; readonly asGood: number }>;
  readonly most: number;
  /** How many it fits as well as any other that it says nothing of. */
  readonly asGoodAsAny: number;
}

export function fitOf(scores: ReadonlyMap<number, number>): PathFit {
  const sorted = [...scores.values()].sort((a, b) => b - a);
  const files = new Map(
    [...scores].map(([file, score]) => [file, { score, asGood: countAtLeast(sorted, score - slack) }]),
  );
  return { files, most: Math.max(0, sorted[0] ?? 0), asGoodAsAny: countAtLeast(sorted, -slack) };
}

export function putPath(features: Float64Array, { files, most, asGoodAsAny }: PathFit, file: number): void {
  const fit = files.get(file);
  features[place.path] = Math.max(-4, fit?.score ?? -2);
  features[place.pathBehind] = Math.min(8, most - (fit?.score ?? 0));
  features[place.pathFiles] = Math.log(1 + (fit?.asGood ?? asGoodAsAny));
  features[place.noPath] = fit === undefined ? 1 : 0;
}

/** Gives what the text says together. */
export function putText(features: Float64Array, words: SubjectWords, hunk: HunkWords, rarity: Rarity): number {
  // A deleted file has every word.
  const damping = dampingOf(hunk);
  let held = 0;
  let all = 0;
  let rarest = 0;
  const look = (token: string, first: PairFeature): void => {
    const rare = rarity.of(token);
    all += rare;
    const zone = hunk.words.get(token);
    if (zone === undefined) return;
    const told = rare * damping;
    held += rare;
    rarest = Math.max(rarest, told);
    const feature = place[first] + 2 - zone;
    features[feature] = (features[feature] ?? 0) + told;
  };
  for (const name of words.identifiers) look(name, 'nameChanged');
  for (const word of words.words) if (!words.identifiers.has(word)) look(word, 'wordChanged');
  features[place.noText] = held === 0 ? 1 : 0;
  features[place.rarest] = rarest;
  features[place.coverage] = all === 0 ? 0 : (damping * held) / all;
  const of = (feature: PairFeature): number => features[place[feature]] ?? 0;
  const text =
    1.2 * (of('nameChanged') + of('nameName') + 0.35 * of('nameNear')) +
    0.5 * (of('wordChanged') + of('wordName') + 0.35 * of('wordNear'));
  features[place.text] = Math.min(maxText, text);
  return text;
}

/** What the change does and how it looks, beside what the subject says of that. */
export function putForm(features: Float64Array, { acts, said, identifiers }: SubjectWords, hunk: HunkWords): void {
  for (const act of acts) {
    const feature = hunk.acts.has(act) ? place.actsDone : place.actsNotDone;
    features[feature] = (features[feature] ?? 0) + 1 / acts.size;
  }
  let told = 0;
  let known = 0;
  let alone = 0;
  for (const word of said) {
    if (!hasCompanions(word)) continue;
    known += 1;
    const most = hunk.company.get(word);
    if (most === undefined) alone += 1;
    else told += most;
  }
  features[place.company] = told * dampingOf(hunk);
  features[place.noCompany] = known === 0 ? 0 : alone / known;
  features[place.size] = Math.log(1 + hunk.size);
  features[place.growth] = hunk.size === 0 ? 0 : (hunk.size - 2 * hunk.removed) / hunk.size;
  features[place.said] = Math.log(1 + said.size);
  features[place.names] = identifiers.size;
}

function dampingOf({ words }: HunkWords): number {
  return Math.min(1, Math.sqrt(longText / Math.max(1, words.size)));
}

/** How many of descending values are at least this. */
export function countAtLeast(descending: readonly number[], least: number): number {
  let low = 0;
  let high = descending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((descending[middle] ?? 0) >= least) low = middle + 1;
    else high = middle;
  }
  return low;
}
