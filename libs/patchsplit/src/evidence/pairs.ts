import type { FileDelta } from '../hunks/delta.js';
import type { Ground } from './claim.js';
import { type HunkWords, Rarity } from './hunk-words.js';
import {
  countAtLeast,
  fitOf,
  type PairFeature,
  pairFeatures,
  place,
  putForm,
  putPath,
  putText,
  slack,
} from './pair-features.js';
import { PathEvidence } from './path-evidence.js';
import type { SubjectWords } from './subject.js';

/** A subject that a hunk may belong to. */
export interface Pair {
  readonly subject: number;
  /** By `pairFeatures`. */
  readonly features: Float64Array;
  /** What its text says alone: how it compares with the subject's other hunks. */
  readonly text: number;
}

/** A name is as rare as the kernel makes it, not as the step does: among three hunks each function would count as common. */
const typicalHunks = 50;
/** A token in more hunks than this doesn't bring a subject to a hunk. */
const maxHunksOfName = 60;
/** A word that isn't a name is in more places by chance. */
const maxHunksOfWord = 12;
const maxPairs = 48;
/** Text evidence from which on a subject's words are found in a hunk. */
const telling = 3;
const maxLead = 8;

/** For each hunk the subjects that its path or its text speaks for, the likelier first. */
export function pairsOf(
  files: readonly FileDelta[],
  hunks: readonly HunkWords[],
  subjects: readonly SubjectWords[],
): Pair[][] {
  const paths = new PathEvidence(files.map(({ path }) => path));
  const rarity = new Rarity(
    hunks.map(({ words }) => words),
    typicalHunks,
  );
  const hunksOfFile = files.map((): number[] => []);
  const hunksWith = new Map<string, number[]>();
  for (const [index, { file, words }] of hunks.entries()) {
    hunksOfFile[file]?.push(index);
    for (const token of words.keys()) {
      if (rarity.count(token) > maxHunksOfName) continue;
      const list = hunksWith.get(token);
      if (list) list.push(index);
      else hunksWith.set(token, [index]);
    }
  }
  const pairs = hunks.map((): Pair[] => []);
  for (const [subject, words] of subjects.entries()) {
    const fits = fitOf(paths.ofSubject(words));
    const looked = new Set<number>();
    for (const [file, { score }] of fits.files) {
      if (score > 0) for (const hunk of hunksOfFile[file] ?? []) looked.add(hunk);
    }
    for (const file of paths.ofSubsystem(words)) for (const hunk of hunksOfFile[file] ?? []) looked.add(hunk);
    for (const name of words.identifiers) for (const hunk of hunksWith.get(name) ?? []) looked.add(hunk);
    for (const word of words.words) {
      const having = hunksWith.get(word) ?? [];
      if (having.length <= maxHunksOfWord) for (const hunk of having) looked.add(hunk);
    }
    const made = [...looked].map((index) => {
      const hunk = hunks[index] as HunkWords;
      const features = new Float64Array(pairFeatures.length);
      putPath(features, fits, hunk.file);
      const text = putText(features, words, hunk, rarity);
      putForm(features, words, hunk);
      features[place.whole] = files[hunk.file]?.whole === true ? 1 : 0;
      return { index, pair: { subject, features, text } };
    });
    compare(made.map(({ pair }) => pair));
    for (const { index, pair } of made) pairs[index]?.push(pair);
  }
  return pairs.map((list) => {
    const best = list.sort((a, b) => evidenceOf(b) - evidenceOf(a) || a.subject - b.subject).slice(0, maxPairs);
    compareRivals(best);
    return best;
  });
}

/** What speaks for a pair in the first place. */
export function groundOf(pair: Pair): Ground {
  if (pair.text >= telling) return 'names';
  return fitsPath(pair) ? 'path' : 'linked';
}

export function fitsPath({ features }: Pair): boolean {
  return (features[place.path] ?? 0) > 0;
}

/** Whether a name of the subject stands in the change, or the change in what has that name. */
export function isNamed({ features }: Pair): boolean {
  return (features[place.nameChanged] ?? 0) + (features[place.nameName] ?? 0) > 0;
}

/** How much the words of code that come with the subject's words speak for it. */
export function companyIn({ features }: Pair): number {
  return features[place.company] ?? 0;
}

function evidenceOf({ features, text }: Pair): number {
  return (features[place.path] ?? 0) + text;
}

/** Adds how a subject's pairs compare with each other. */
function compare(pairs: readonly Pair[]): void {
  const most = Math.max(0, ...pairs.map(({ text }) => text));
  const sorted = pairs.map(evidenceOf).sort((a, b) => b - a);
  for (const pair of pairs) {
    pair.features[place.textBehind] = Math.min(12, most - pair.text);
    pair.features[place.hunksAsGood] = Math.log(1 + countAtLeast(sorted, evidenceOf(pair) - slack));
  }
}

/** Adds how a hunk's pairs compare with each other. */
function compareRivals(pairs: readonly Pair[]): void {
  const measures: readonly [PairFeature, PairFeature | undefined, (pair: Pair) => number][] = [
    ['lead', 'rivals', evidenceOf],
    ['textLead', undefined, ({ text }) => text],
    ['pathLead', 'pathRivals', ({ features }) => features[place.path] ?? 0],
  ];
  for (const [lead, rivals, of] of measures) {
    const values = pairs.map(of);
    const sorted = values.toSorted((a, b) => b - a);
    const [first = 0, second = -maxLead] = sorted;
    for (const [index, { features }] of pairs.entries()) {
      const value = values[index] ?? 0;
      const next = value === first ? second : first;
      features[place[lead]] = Math.max(-maxLead, Math.min(maxLead, value - next));
      if (rivals) features[place[rivals]] = Math.log(Math.max(1, countAtLeast(sorted, value - slack)));
    }
  }
}
