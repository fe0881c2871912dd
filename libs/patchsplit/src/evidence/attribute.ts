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
  /** Whether the subject's prefix fits this file and few others. */
  readonly specific: boolean;
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
/** Tokens from which on a hunk's text tells less. */
const longText = 200;
/**
 * A name is as rare as the kernel makes it, not as the step does: in a step of three hunks each function would else count as
 * common.
 */
const typicalHunks = 50;
const maxCandidates = 60;
/** Support by linked hunks that are all believed, and its bound. */
const supportWeight = 7;
const maxSupport = 8;
/** How much it counts against a pair that the subject has better hunks. */
const elsewhereWeight = 0.4;
/** Of the support by a hunk that only its path or its own neighbours speak for. */
const unnamedSupport = 0.4;
/** Bonus of a subject that nobody has given a hunk. */
const wantWeight = 2.5;
/** A prefix that fits more files than this equally well doesn't say which. */
const maxSpecificFiles = 4;
const specificSlack = 0.5;
const anchorLink = 0.2;
const rounds = 8;
const minBelief = 0.7;
/** Where neither its names nor its words speak for it. */
const minUnnamedBelief = 0.8;
/** Further evidence for "none of them" of a file that comes or goes as a whole: its text has every word. */
const wholeFileEvidence = 5;

interface Candidate {
  readonly subject: number;
  /** Whether the subject's prefix fits this file and few others. */
  readonly specific: boolean;
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
    believe(candidates, wants(candidates, subjects.length));
    if (round < rounds - 1) support(candidates, links);
  }
  const claims = anchored(candidates.map(claimOf), hunks, links);
  return { hunks: hunks.map(({ file, hunk }) => ({ file, hunk })), claims };
}

/**
 * Drops what a subject only got by way of others: where some of its hunks are named, each must be, or stand in a file with one,
 * or be linked with one. Else one refactoring draws half a subsystem into a commit. Where none is named, the prefix must mean
 * just this file: `nvme-fc:` isn't all of drivers/nvme.
 */
function anchored(
  claims: readonly (Claim | undefined)[],
  hunks: readonly HunkWords[],
  links: readonly (readonly Link[])[],
): (Claim | undefined)[] {
  const anchors = new Set<number>();
  const files = new Set<string>();
  for (const [index, claim] of claims.entries()) {
    if (!claim?.named) continue;
    anchors.add(claim.subject);
    files.add(`${claim.subject} ${hunks[index]?.file}`);
  }
  return claims.map((claim, index) => {
    if (!claim || claim.named) return claim;
    if (!anchors.has(claim.subject)) return claim.specific ? claim : undefined;
    if (files.has(`${claim.subject} ${hunks[index]?.file}`)) return claim;
    const held = links[index]?.some(({ to, weight }) => {
      const other = claims[to];
      return weight >= anchorLink && other?.named && other.subject === claim.subject;
    });
    return held ? claim : undefined;
  });
}

function claimOf(candidates: readonly Candidate[]): Claim | undefined {
  let best: Candidate | undefined;
  for (const candidate of candidates) if (!best || candidate.belief > best.belief) best = candidate;
  if (!best || best.belief < (best.named ? minBelief : minUnnamedBelief)) return undefined;
  return { subject: best.subject, belief: best.belief, named: best.named, specific: best.specific };
}

function firstCandidates(
  files: readonly FileDelta[],
  hunks: readonly HunkWords[],
  subjects: readonly SubjectWords[],
): Candidate[][] {
  const paths = new PathEvidence(files.map(({ path }) => path));
  const rarity = new Rarity(
    hunks.map(({ weights }) => weights),
    typicalHunks,
  );
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
    const most = Math.max(...fileScores.values());
    const bestFiles = [...fileScores.values()].filter((score) => score >= most - specificSlack).length;
    const looked = new Set<number>();
    for (const [file, score] of fileScores) if (score > 0) for (const hunk of hunksOfFile[file] ?? []) looked.add(hunk);
    for (const name of words.identifiers) for (const hunk of hunksWith.get(name) ?? []) looked.add(hunk);
    for (const index of looked) {
      const hunk = hunks[index];
      if (!hunk) continue;
      const text = textEvidence(words, hunk, rarity);
      const against = files[hunk.file]?.whole ? wholeFileEvidence : 0;
      const evidence = Math.max(-4, fileScores.get(hunk.file) ?? -2) + text - against;
      if (evidence < minEvidence) continue;
      const specific = bestFiles <= maxSpecificFiles && (fileScores.get(hunk.file) ?? 0) >= most - specificSlack;
      candidates[index]?.push({
        subject,
        specific,
        evidence,
        named: text >= namedEvidence,
        score: evidence,
        belief: 0,
      });
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
  // A deleted file has every word.
  return sum * Math.min(1, Math.sqrt(longText / hunk.weights.size));
}

/** What speaks for a subject before any evidence: nearly every entry has changed something, so one without hunks wants them. */
function wants(candidates: readonly (readonly Candidate[])[], subjects: number): Float64Array {
  const mass = new Float64Array(subjects);
  for (const list of candidates) {
    for (const { subject, belief } of list) mass[subject] = (mass[subject] ?? 0) + belief;
  }
  return mass.map((sum) => wantWeight * Math.max(0, 1 - sum));
}

/** Softmax over a hunk's candidates and none of them. */
function believe(candidates: readonly (readonly Candidate[])[], wanted: Float64Array): void {
  const bestOf = new Float64Array(wanted.length).fill(-Infinity);
  for (const list of candidates) {
    for (const { subject, score } of list) if (score > (bestOf[subject] ?? 0)) bestOf[subject] = score;
  }
  for (const list of candidates) {
    const values = list.map(({ subject, score }) => {
      const behind = (bestOf[subject] ?? score) - score;
      return score - elsewhereWeight * behind + Math.max(0, (wanted[subject] ?? 0) - behind);
    });
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
      for (const { subject, belief, named } of candidates[to] ?? []) {
        const part = named ? belief : belief * unnamedSupport;
        if (belief >= 0.2) sums.set(subject, (sums.get(subject) ?? 0) + weight * part);
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
        list.push({ subject, evidence: 0, named: false, specific: false, score: supportOf(sum), belief: 0 });
    }
  }
}

function supportOf(sum: number): number {
  return Math.min(maxSupport, supportWeight * sum);
}
