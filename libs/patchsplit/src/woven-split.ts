import { createHash } from 'node:crypto';
import type { GitId, SeriesCommit } from '#libs/contracts';
import type { NewCommit, StoredCommit, TreeChange, TreeStore } from '#libs/trees';
import type { Candidate } from './candidates/candidate.js';
import type { StepItem } from './changelog/changelog.js';
import { changedFile } from './read-changes.js';
import { countsOf, Emitter, type LabelCounts } from './replay/emit.js';
import { readVersions } from './replay/read-versions.js';
import { reconstruct, type Versions, type WovenCommit } from './replay/reconstruct.js';
import { wovenMessage, wovenSubject } from './replay/woven-message.js';
import type { FileVersion } from './replay/woven-tree.js';
import { VersionTexts } from './replay/version-texts.js';
import { type Considered, findingsOf, whyUnfound } from './report/candidates.js';
import type { CandidateFindings, CommitFindings } from './report/findings.js';
import type { UpstreamDifference } from './report/schema.js';
import { compareToUpstream } from './report/upstream.js';
import type { Lineage } from './weave/lineage.js';
import { relevance } from './select/relevance.js';
import type { ChangedFile } from './weave/weave.js';

/** What candidates make of a step: commits, and the files that differ from the target still. */
export interface WovenSplit {
  readonly commits: readonly NewCommit[];
  readonly rest: readonly ChangedFile[];
  /** Items that no commit of these is. */
  readonly items: readonly StepItem[];
  /** What was not looked at in full, and why. */
  readonly notices: readonly string[];
  /** One for each of `commits`. */
  readonly findings: readonly CommitFindings[];
  readonly candidates: CandidateFindings;
  /** Why an item that no commit is isn't found, as far as candidates tell. */
  readonly whyUnfound: (item: StepItem) => ReturnType<typeof whyUnfound>;
  /** @param stored the root first. */
  seriesOf(stored: readonly StoredCommit[]): SeriesCommit[];
  readonly counts: {
    readonly hunks: number;
    readonly insertions: number;
    readonly deletions: number;
    readonly subjectsFound: number;
  };
}

/** Explains a step by candidates, as far as they explain it. */
export async function splitByCandidates(
  trees: TreeStore,
  { base, changes }: { readonly base: GitId; readonly changes: readonly TreeChange[] },
  candidates: readonly Candidate[],
  items: readonly StepItem[],
): Promise<WovenSplit> {
  const relevant = candidates.filter(relevance(changes, items));
  const versions = await readVersions(trees, base, changes, relevant);
  const { commits, lineages, notices, considered, dropped } = reconstruct(versions, relevant, items);
  const emitter = new Emitter(lineages);
  const shown = commits.flatMap((commit, label) => shownCommit(emitter, commit, label));
  const found = new Set(shown.flatMap(({ commit }) => commit.choice.listed?.item ?? []));
  const sum = (of: (counts: LabelCounts) => number): number => shown.reduce((all, { counts }) => all + of(counts), 0);
  const baseTexts = new VersionTexts(versions.base);
  const invisible = commits.map(({ choice }) => choice.candidate);
  const all: Considered = {
    candidates: considered,
    used: new Set(shown.map(({ commit }) => commit.choice.candidate)),
    dropped: new Set([...dropped, ...invisible]),
    items,
    baseHas: (path, key) => baseTexts.keysOf(path).has(key),
  };
  return {
    commits: shown.map(({ commit, label, confidence, difference }) => ({
      author: commit.choice.candidate.author,
      message: wovenMessage(commit.choice, confidence, difference),
      get changes() {
        return emitter.changesAt(label);
      },
    })),
    rest: restOf(versions, lineages, emitter.filesAt(commits.length - 1), changes),
    notices,
    items: items.filter((item) => !found.has(item)),
    findings: shown.map(({ findings }) => findings),
    candidates: findingsOf(all),
    whyUnfound: (item) => whyUnfound(item, all),
    seriesOf: (stored) => shown.map((one, order) => seriesCommit(one, stored[order], stored[order + 1])),
    counts: {
      hunks: sum(({ hunks }) => hunks),
      insertions: sum(({ insertions }) => insertions),
      deletions: sum(({ deletions }) => deletions),
      subjectsFound: found.size,
    },
  };
}

interface ShownCommit {
  readonly commit: WovenCommit;
  readonly label: number;
  readonly counts: LabelCounts;
  readonly confidence: number;
  readonly difference: UpstreamDifference | undefined;
  readonly findings: CommitFindings;
}

/**
 * What the changelog names is as sure as the lines that it has are upstream's, however few of upstream's came; what it doesn't name,
 * as the lines that came and fitted are many.
 */
const sureness = ({ choice, confidence }: WovenCommit, share: number): number =>
  choice.listed ? Math.max(confidence, rounded(share)) : confidence;

/** A commit as the series shows it; one that changes nothing (its lines were overwritten, or were there) is none of it. */
function shownCommit(emitter: Emitter, commit: WovenCommit, label: number): ShownCommit[] {
  const files = emitter.filesOf(label);
  if (files.length === 0) return [];
  const { candidate, listed } = commit.choice;
  const { share, shares, difference } = compareToUpstream(candidate, files);
  const sure = listed ? 1 : commit.confidence;
  const findings: CommitFindings = {
    evidence: listed ? ['upstream-lines', 'changelog-subject'] : ['upstream-lines'],
    ...(difference ? { difference } : {}),
    hunks: new Map([...shares].map(([path, own]) => [path, own.map((share) => rounded(sure * Math.max(0.1, share)))])),
  };
  return [{ commit, label, counts: countsOf(files), confidence: sureness(commit, share), difference, findings }];
}

/** What differs from the target after the candidates' commits. */
function restOf(
  { base, target }: Versions,
  lineages: readonly Lineage[],
  now: ReadonlyMap<string, FileVersion>,
  changes: readonly TreeChange[],
): ChangedFile[] {
  const blobs = new Map(changes.map(({ path, after }) => [path, after?.blob]));
  const differ = new Set(changes.map(({ path }) => path));
  const touched = lineages.flatMap(({ paths }) => paths);
  const paths = new Set([...touched, ...[...target.keys(), ...base.keys()].filter((path) => differ.has(path))]);
  return [...paths].sort().flatMap((path) => {
    const before = now.get(path);
    const after = target.get(path);
    if (!before && !after) return [];
    if (before && after && before.mode === after.mode && before.content.equals(after.content)) return [];
    const change: TreeChange = {
      path,
      ...(before ? { before: { mode: before.mode, blob: blobId(before.content) } } : {}),
      ...(after ? { after: { mode: after.mode, blob: blobs.get(path) ?? blobId(after.content) } } : {}),
    };
    return [changedFile(change, before?.content, after?.content)];
  });
}

function blobId(content: Buffer): GitId {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

function seriesCommit(
  { commit: { choice }, counts, confidence }: ShownCommit,
  parent: StoredCommit | undefined,
  stored: StoredCommit | undefined,
): SeriesCommit {
  if (!parent || !stored) throw new RangeError('a commit was not stored');
  const { candidate, listed } = choice;
  const { paths, insertions, deletions } = counts;
  return {
    commit: stored.commit,
    parent: parent.commit,
    tree: stored.tree,
    kind: 'attributed',
    subject: wovenSubject(choice),
    ...(listed ? { changelogEntry: listed.item.subject } : {}),
    ...(candidate.id === undefined ? {} : { upstream: candidate.id }),
    cves: listed?.item.cves ?? [],
    confidence,
    paths: [...paths],
    insertions,
    deletions,
  };
}

const rounded = (share: number): number => Math.round(share * 1000) / 1000;
