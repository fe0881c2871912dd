import { dirname } from 'node:path/posix';
import type { FileDelta } from '../hunks/delta.js';
import type { Belief } from './belief.js';
import type { HunkWords } from './hunk-words.js';
import { type Link, linkKinds } from './links.js';
import { pairFeatures, putForm } from './pair-features.js';
import type { Pair } from './pairs.js';
import type { SubjectWords } from './subject.js';
import { against, minSupport, minToJoin, nameAt, nearAt, neighbourAt, supportOf, textAt } from './support.js';

/** What is looked at in a pair once it is believed of others what they are. */
export const contextFeatures = [
  /** What was believed of it: as such, ln of the odds against none, and against the best other. */ 'believed',
  'before',
  'beforeLead',
  /** By each kind of link: how sure it is that one linked hunk is the subject's. */
  ...linkKinds.map((kind) => `by-${kind}` as const),
  /** How likely those linked with it by place, and by names, are the subject's together: they may be so without one that is likely by itself. */ 'alikeNear',
  'alikeByName',
  /** What text says for the subject in a hunk linked with it. */ 'linkedText',
  /** What the file's other hunks are: the share of them, and how many. */ 'inFileShare',
  'inFile',
  /** What the subject has elsewhere: how many hunks (ln), and the best one. */ 'elsewhere',
  'bestElsewhere',
  /** Where other subjects of the same prefix have theirs: in this folder, in this file. */ 'prefixInFolder',
  'prefixInFile',
  /** A linked hunk is of a subject next to it in the changelog. */ 'neighbour',
  /** Nothing but links speaks for it. */ 'onlyLinked',
] as const;
export type ContextFeature = (typeof contextFeatures)[number];

/** What is needed to look at pairs in their context. */
export interface Surroundings {
  readonly files: readonly FileDelta[];
  readonly hunks: readonly HunkWords[];
  readonly links: readonly (readonly Link[])[];
  readonly subjects: readonly SubjectWords[];
}

const maxOdds = 8;
const placeOf = Object.fromEntries(contextFeatures.map((name, index) => [name, index])) as Record<
  ContextFeature,
  number
>;
const firstLink = placeOf['by-next'];
/** Evidence of a pair that has none of its own. */
const unspoken: Readonly<Record<string, number>> = {
  path: -2,
  noPath: 1,
  noText: 1,
  pathBehind: 4,
  lead: -8,
  textLead: -8,
  pathLead: -8,
};

/** Each hunk's subjects with their own features and, after them, those of `contextFeatures`. */
export function pairsInContext(
  { files, hunks, links, subjects }: Surroundings,
  pairs: readonly (readonly Pair[])[],
  beliefs: readonly Belief[],
): Pair[][] {
  const sums = new Sums(files, hunks, subjects, pairs, beliefs);
  return pairs.map((own, index) => {
    const { support, near, named } = supportOf(index, links[index] ?? [], pairs, beliefs);
    const known = new Set(own.map(({ subject }) => subject));
    const joined = [...support]
      .filter(([subject, kinds]) => !known.has(subject) && Math.max(...kinds.subarray(0, nearAt)) >= minToJoin)
      .map(([subject]) => strangerOf(subject, subjects[subject], hunks[index], files[hunks[index]?.file ?? 0]?.whole));
    const belief = beliefs[index];
    return [...own, ...joined].map((pair, place): Pair => {
      const features = new Float64Array(pairFeatures.length + contextFeatures.length);
      features.set(pair.features.subarray(0, pairFeatures.length));
      const put = (feature: number, value: number): void => {
        features[pairFeatures.length + feature] = value;
      };
      const believed = belief?.of[place] ?? 0;
      put(placeOf.believed, believed);
      put(placeOf.before, oddsOf(believed, belief?.none ?? 1));
      put(placeOf.beforeLead, oddsOf(believed, bestOther(belief, believed)));
      const of = support.get(pair.subject);
      for (let kind = 0; kind < neighbourAt; kind++) put(firstLink + kind, of?.[kind] ?? 0);
      put(placeOf.neighbour, of?.[neighbourAt] ?? 0);
      put(placeOf.alikeNear, ((of?.[nearAt] ?? 0) - against * near) / Math.sqrt(0.5 + near));
      put(placeOf.alikeByName, ((of?.[nameAt] ?? 0) - against * named) / Math.sqrt(0.5 + named));
      put(placeOf.linkedText, of?.[textAt] ?? 0);
      sums.put(put, index, pair.subject, believed);
      put(placeOf.onlyLinked, place >= own.length ? 1 : 0);
      return { ...pair, features };
    });
  });
}

function oddsOf(believed: number, none: number): number {
  return Math.max(-maxOdds, Math.min(maxOdds, Math.log((believed + 1e-9) / (none + 1e-9))));
}

function bestOther(belief: Belief | undefined, believed: number): number {
  let first = 0;
  let second = 0;
  for (const value of belief?.of ?? []) {
    if (value > first) [first, second] = [value, first];
    else if (value > second) second = value;
  }
  return believed >= first ? second : first;
}

function strangerOf(
  subject: number,
  words: SubjectWords | undefined,
  hunk: HunkWords | undefined,
  whole: boolean | undefined,
): Pair {
  const features = Float64Array.from(pairFeatures, (name) => unspoken[name] ?? (name === 'whole' && whole ? 1 : 0));
  if (words && hunk) putForm(features, words, hunk);
  return { subject, features, text: 0 };
}

/** How many hunks are believed to be a subject's, in all, in a file, in a folder. */
class Sums {
  private readonly ofSubject: Float64Array;
  private readonly best: { first: number; second: number }[];
  private readonly inFile = new Map<string, number>();
  private readonly hunksInFile = new Map<number, number>();
  private readonly prefixes: readonly string[];
  private readonly ofPrefix = new Map<string, number>();
  private readonly folders: readonly string[];

  constructor(
    files: readonly FileDelta[],
    private readonly hunks: readonly HunkWords[],
    subjects: readonly SubjectWords[],
    pairs: readonly (readonly Pair[])[],
    beliefs: readonly Belief[],
  ) {
    this.ofSubject = new Float64Array(subjects.length);
    this.best = subjects.map(() => ({ first: 0, second: 0 }));
    this.prefixes = subjects.map(({ prefix }) => prefix.join(' '));
    this.folders = files.map(({ path }) => dirname(path));
    for (const [index, { file }] of hunks.entries()) {
      this.hunksInFile.set(file, (this.hunksInFile.get(file) ?? 0) + 1);
      for (const [place, { subject }] of (pairs[index] ?? []).entries()) {
        const believed = beliefs[index]?.of[place] ?? 0;
        if (believed < minSupport) continue;
        this.ofSubject[subject] = (this.ofSubject[subject] ?? 0) + believed;
        const best = this.best[subject];
        if (best && believed > best.first) {
          best.second = best.first;
          best.first = believed;
        } else if (best && believed > best.second) best.second = believed;
        bump(this.inFile, `${subject} ${file}`, believed);
        for (const key of this.keysOf(subject, file)) bump(this.ofPrefix, key, believed);
      }
    }
  }

  /** The features of a pair that sums tell of, without what the pair itself adds to them. */
  put(put: (feature: number, value: number) => void, index: number, subject: number, own: number): void {
    const file = this.hunks[index]?.file ?? 0;
    const mine = own < minSupport ? 0 : own;
    const here = Math.max(0, (this.inFile.get(`${subject} ${file}`) ?? 0) - mine);
    const others = (this.hunksInFile.get(file) ?? 1) - 1;
    put(placeOf.inFileShare, others === 0 ? 0 : here / others);
    put(placeOf.inFile, Math.log(1 + here));
    put(placeOf.elsewhere, Math.log(1 + Math.max(0, (this.ofSubject[subject] ?? 0) - mine)));
    const best = this.best[subject];
    put(placeOf.bestElsewhere, best === undefined ? 0 : mine >= best.first ? best.second : best.first);
    if (this.prefixes[subject] === '') return;
    const [all = '', inFolder = '', inFile = ''] = this.keysOf(subject, file);
    const subjectHere = this.inFile.get(`${subject} ${file}`) ?? 0;
    const subjectAll = this.ofSubject[subject] ?? 0;
    const total = Math.max(0, (this.ofPrefix.get(all) ?? 0) - subjectAll);
    put(placeOf.prefixInFolder, Math.max(0, (this.ofPrefix.get(inFolder) ?? 0) - subjectHere) / (total + 1));
    put(placeOf.prefixInFile, Math.max(0, (this.ofPrefix.get(inFile) ?? 0) - subjectHere) / (total + 1));
  }

  private keysOf(subject: number, file: number): string[] {
    const prefix = this.prefixes[subject] ?? '';
    if (prefix === '') return [];
    return [prefix, `${prefix}\0${this.folders[file]}`, `${prefix}\0\0${file}`];
  }
}

function bump(sums: Map<string, number>, key: string, by: number): void {
  sums.set(key, (sums.get(key) ?? 0) + by);
}
