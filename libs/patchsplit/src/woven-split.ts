import { createHash } from 'node:crypto';
import type { GitId, SeriesCommit } from '#libs/contracts';
import type { NewCommit, StoredCommit, TreeChange, TreeStore } from '#libs/trees';
import type { Candidate } from './candidates/candidate.js';
import type { StepItem } from './changelog/changelog.js';
import { changedFile } from './read-changes.js';
import { Emitter } from './replay/emit.js';
import { readVersions } from './replay/read-versions.js';
import { reconstruct, type Versions, type WovenCommit } from './replay/reconstruct.js';
import { wovenMessage, wovenSubject } from './replay/woven-message.js';
import type { FileVersion } from './replay/woven-tree.js';
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
  const { commits, lineages, notices } = reconstruct(versions, relevant, items);
  const emitter = new Emitter(lineages);
  // One that changes nothing (its lines were overwritten, or were there) is no commit of the series.
  const shown = commits.flatMap((commit, label) => {
    const counts = emitter.countsAt(label);
    return counts.paths.size === 0 ? [] : [{ commit, label, counts }];
  });
  const found = new Set(shown.flatMap(({ commit }) => commit.choice.listed?.item ?? []));
  const sum = (of: (one: (typeof shown)[number]) => number): number => shown.reduce((all, one) => all + of(one), 0);
  return {
    commits: shown.map(({ commit, label }) => ({
      author: commit.choice.candidate.author,
      message: wovenMessage(commit),
      get changes() {
        return emitter.changesAt(label);
      },
    })),
    rest: restOf(versions, emitter.filesAt(commits.length - 1), changes),
    notices,
    items: items.filter((item) => !found.has(item)),
    seriesOf: (stored) =>
      shown.map(({ commit, counts }, order) => seriesCommit(commit, counts, stored[order], stored[order + 1])),
    counts: {
      hunks: sum(({ counts }) => counts.hunks),
      insertions: sum(({ counts }) => counts.insertions),
      deletions: sum(({ counts }) => counts.deletions),
      subjectsFound: found.size,
    },
  };
}

/** What differs from the target after the candidates' commits. */
function restOf(
  { base, target }: Versions,
  now: ReadonlyMap<string, FileVersion>,
  changes: readonly TreeChange[],
): ChangedFile[] {
  const blobs = new Map(changes.map(({ path, after }) => [path, after?.blob]));
  const paths = new Set([...target.keys(), ...now.keys(), ...base.keys()]);
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
  commit: WovenCommit,
  { paths, insertions, deletions }: ReturnType<Emitter['countsAt']>,
  parent: StoredCommit | undefined,
  stored: StoredCommit | undefined,
): SeriesCommit {
  if (!parent || !stored) throw new RangeError('a commit was not stored');
  const { candidate, listed } = commit.choice;
  return {
    commit: stored.commit,
    parent: parent.commit,
    tree: stored.tree,
    kind: 'attributed',
    subject: wovenSubject(commit),
    ...(listed ? { changelogEntry: listed.item.subject } : {}),
    ...(candidate.id === undefined ? {} : { upstream: candidate.id }),
    cves: listed?.item.cves ?? [],
    confidence: commit.confidence,
    paths: [...paths],
    insertions,
    deletions,
  };
}
