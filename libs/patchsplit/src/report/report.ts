import type { GitId } from '#libs/contracts';
import { historiesOf, Needs } from '#libs/series';
import { TreeError, type TreeStore } from '#libs/trees';
import type { SplitResult } from '../split.js';
import { mapFile, type MappedCommit } from './map.js';
import { type MappedFile, type ReportedSource, reportVersion, type SplitReport } from './schema.js';

export interface ReportRequest {
  readonly trees: TreeStore;
  readonly split: SplitResult;
  readonly from: ReportedSource;
  readonly to: ReportedSource;
  /** What was left out of the input before the split saw it. */
  readonly notices?: readonly string[];
}

/**
 * Puts together what a split found. Whose each line is, and what each commit needs, is read off the repository that was written, as
 * everyone after it reads it.
 */
export async function reportOf({ trees, split, from, to, notices = [] }: ReportRequest): Promise<SplitReport> {
  const { series, commits, counts, proof, findings } = split;
  const map = await mapOf(trees, split);
  return {
    schema: reportVersion,
    from,
    to,
    head: commits.at(-1)?.commit ?? '',
    proof,
    counts,
    notices: [...notices, ...split.notices, ...map.notices],
    commits: series.commits.map((commit, at) => {
      const { evidence = [], difference } = findings.commits[at] ?? {};
      return { ...commit, evidence: [...evidence], ...(difference ? { difference } : {}) };
    }),
    unfound: [...findings.unfound],
    ...(findings.candidates ? { candidates: { ...findings.candidates, named: [...findings.candidates.named] } } : {}),
    remainders: remaindersOf(split, map.files),
    dependencies: map.dependencies,
    files: map.files,
  };
}

type SplitMap = Pick<SplitReport, 'files' | 'dependencies' | 'notices'>;

/** A step that is too large for it (one of 256 MB of changes) is split all the same: the report says that it has no map. */
async function mapOf(trees: TreeStore, split: SplitResult): Promise<SplitMap> {
  const { series, findings } = split;
  const known = series.commits.map(({ confidence }, at): MappedCommit => ({
    confidence,
    hunks: findings.commits[at]?.hunks ?? new Map(),
  }));
  const files: MappedFile[] = [];
  const needs = new Needs();
  try {
    for await (const record of recordsOf(trees, split)) {
      needs.add(record);
      files.push(mapFile(record, known));
    }
  } catch (error) {
    if (!(error instanceof TreeError) || error.code !== 'too-large') throw error;
    const notice = `the step is too large to say of each change whose it is: ${error.message}`;
    return { files: [], dependencies: [], notices: [notice] };
  }
  const dependencies = [...needs].map(([commit, own]) => ({
    commit,
    needs: own.map((need) => ({ commit: need.commit, paths: [...need.paths] })),
  }));
  return { files, dependencies, notices: [] };
}

async function* recordsOf(trees: TreeStore, { series, commits, proof }: SplitResult): ReturnType<typeof historiesOf> {
  // A series may stand on that of the drop before: only this step's commits are read.
  const stored = await trees.series(commits.at(-1)?.commit ?? '', commits[0]?.commit);
  try {
    const blobs = new Map<string, GitId>();
    for (const { path, before } of await trees.diff(proof.baseTree, proof.targetTree)) {
      if (before) blobs.set(path, before.blob);
    }
    // A file that candidates change and change back differs in neither.
    const others = series.commits.flatMap(({ paths }) => paths).filter((path) => !blobs.has(path));
    for (const { path, blob } of others.length === 0 ? [] : await trees.list(proof.baseTree, [...new Set(others)])) {
      blobs.set(path, blob);
    }
    yield* historiesOf(
      series.commits.map(({ commit }) => commit),
      await stored.diffs(),
      async (paths) => {
        const there = paths.flatMap((path) => blobs.get(path) ?? []);
        const texts = (await trees.readBlobs(there)).map((content) => content.toString('latin1'));
        const byBlob = new Map(there.map((blob, at) => [blob, texts[at]]));
        return paths.map((path) => byBlob.get(blobs.get(path) ?? ''));
      },
    );
  } finally {
    await stored.close();
  }
}

function remaindersOf({ series }: SplitResult, files: readonly MappedFile[]): SplitReport['remainders'] {
  const hunks = new Map<number, number>();
  for (const [, , , , owners] of files.flatMap((file) => file.hunks)) {
    for (const [commit] of owners) hunks.set(commit, (hunks.get(commit) ?? 0) + 1);
  }
  return series.commits.flatMap(({ kind, label = '', paths, insertions, deletions }, commit) => {
    if (kind !== 'remainder') return [];
    return [{ commit, label, files: paths.length, hunks: hunks.get(commit) ?? 0, insertions, deletions }];
  });
}
