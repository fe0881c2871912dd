import type { FileDelta } from '../hunks/delta.js';
import { allHunkWords, type HunkWords, Rarity } from './hunk-words.js';
import { type Link, linksOf } from './links.js';
import { PathEvidence } from './path-evidence.js';
import { type SubjectWords, wordsOf } from './subject.js';

/** A hunk's commit: the subject, and the share of belief that it has against the others and against none. */
export interface Claim {
  readonly subject: number;
  /** 0…1. */
  readonly belief: number;
  /** Whether names or words of the subject stand in the change, not only its prefix in the path. */
  readonly named: boolean;
}

export interface Attribution {
  readonly hunks: readonly { readonly file: number; readonly hunk: number }[];
  /** One for each of `hunks`; undefined where nothing speaks clearly for one subject. */
  readonly claims: readonly (Claim | undefined)[];
}

/** A pair of hunk and subject without evidence of at least this (ln of the odds against chance) isn't looked at. */
const minEvidence = 2;
/** Evidence for "none of them". */
const noneEvidence = 4;
/** Evidence by text from which on a hunk is named by its subject. */
const namedEvidence = 4;
const maxCandidates = 60;
/** Support by linked hunks that are all believed, and its bound. */
const supportWeight = 6;
const maxSupport = 8;
/** How much it counts against a pair that the subject has better hunks. */
const elsewhereWeight = 0.4;
const rounds = 6;
const minBelief = 0.6;

interface Candidate {
  readonly subject: number;
  readonly evidence: number;
  readonly named: boolean;
  /** Evidence and the support of linked hunks. */
  score: number;
  belief: number;
}

/**
 * Gives each hunk to the subject that its path, its text and its neighbours speak for. Mean-field belief propagation: what a hunk
 * is believed to be supports the hunks linked with it, and a subject whose best hunks are elsewhere has less of a claim here.
 */
export function attribute(files: readonly FileDelta[], subjects: readonly string[]): Attribution {
  const hunks = allHunkWords(files);
  const links = linksOf(hunks);
  const candidates = firstCandidates(files, hunks, subjects.map(wordsOf));
  for (let round = 0; round < rounds; round++) {
    believe(candidates, subjects.length);
    if (round < rounds - 1) support(candidates, links);
  }
  return { hunks: hunks.map(({ file, hunk }) => ({ file, hunk })), claims: candidates.map(claimOf) };
}

function claimOf(candidates: readonly Candidate[]): Claim | undefined {
  let best: Candidate | undefined;
  for (const candidate of candidates) if (!best || candidate.belief > best.belief) best = candidate;
  return best && best.belief >= minBelief
    ? { subject: best.subject, belief: best.belief, named: best.named }
    : undefined;
}

function firstCandidates(
  files: readonly FileDelta[],
  hunks: readonly HunkWords[],
  subjects: readonly SubjectWords[],
): Candidate[][] {
  const paths = new PathEvidence(files.map(({ path }) => path));
  const rarity = new Rarity(hunks.map(({ weights }) => weights));
  const hunksOfFile = files.map((): number[] => []);
  const hunksWith = new Map<string, number[]>();
  for (const [index, { file, weights }] of hunks.entries()) {
    hunksOfFile[file]?.push(index);
    for (const token of weights.keys()) {
      if (rarity.count(token) > 60) continue;
      const list = hunksWith.get(token);
      if (list) list.push(index);
      else hunksWith.set(token, [index]);
    }
  }
  const candidates = hunks.map((): Candidate[] => []);
  for (const [subject, words] of subjects.entries()) {
    const fileScores = paths.ofSubject(words);
    const looked = new Set<number>();
    for (const [file, score] of fileScores) if (score > 0) for (const hunk of hunksOfFile[file] ?? []) looked.add(hunk);
    for (const name of words.identifiers) for (const hunk of hunksWith.get(name) ?? []) looked.add(hunk);
    for (const index of looked) {
      const hunk = hunks[index];
      if (!hunk) continue;
      const text = textEvidence(words, hunk, rarity);
      const evidence = Math.max(-4, fileScores.get(hunk.file) ?? -2) + text;
      if (evidence < minEvidence) continue;
      candidates[index]?.push({ subject, evidence, named: text >= namedEvidence, score: evidence, belief: 0 });
    }
  }
  return candidates.map((list) =>
    list.sort((a, b) => b.evidence - a.evidence || a.subject - b.subject).slice(0, maxCandidates),
  );
}

/** What the subject's names and words say for a hunk. */
function textEvidence(words: SubjectWords, hunk: HunkWords, rarity: Rarity): number {
  let sum = 0;
  for (const name of words.identifiers) sum += 1.2 * rarity.of(name) * (hunk.weights.get(name) ?? 0);
  for (const word of words.words) sum += 0.5 * rarity.of(word) * (hunk.weights.get(word) ?? 0);
  return sum;
}

/** Softmax over a hunk's candidates and none of them. */
function believe(candidates: readonly (readonly Candidate[])[], subjects: number): void {
  const bestOf = new Float64Array(subjects).fill(-Infinity);
  for (const list of candidates) {
    for (const { subject, score } of list) if (score > (bestOf[subject] ?? 0)) bestOf[subject] = score;
  }
  for (const list of candidates) {
    const values = list.map(({ subject, score }) => score - elsewhereWeight * ((bestOf[subject] ?? score) - score));
    const most = Math.max(noneEvidence, ...values);
    const parts = values.map((value) => Math.exp(value - most));
    const sum = parts.reduce((total, part) => total + part, Math.exp(noneEvidence - most));
    for (const [place, candidate] of list.entries()) candidate.belief = (parts[place] ?? 0) / sum;
  }
}

/** Adds to each pair what the hunks linked with it are believed to be. */
function support(candidates: readonly Candidate[][], links: readonly (readonly Link[])[]): void {
  const supports = links.map((list) => {
    const sums = new Map<number, number>();
    for (const { to, weight } of list) {
      for (const { subject, belief } of candidates[to] ?? []) {
        if (belief >= 0.2) sums.set(subject, (sums.get(subject) ?? 0) + weight * belief);
      }
    }
    return sums;
  });
  for (const [index, sums] of supports.entries()) {
    const list = candidates[index];
    if (!list) continue;
    const known = new Set<number>();
    for (const candidate of list) {
      known.add(candidate.subject);
      candidate.score = candidate.evidence + supportOf(sums.get(candidate.subject) ?? 0);
    }
    for (const [subject, sum] of sums) {
      if (!known.has(subject) && sum >= 0.4)
        list.push({ subject, evidence: 0, named: false, score: supportOf(sum), belief: 0 });
    }
  }
}

function supportOf(sum: number): number {
  return Math.min(maxSupport, supportWeight * sum);
}
