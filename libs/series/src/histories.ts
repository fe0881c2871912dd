import { type FileDiff, parseDiff } from './diff.js';
import { FileHistory, HistoryError } from './file-history.js';

const batchFiles = 64;

/** What one commit changes: a unified diff without context (`-U0 --no-renames`), in the bytes of the files. */
export interface CommitDiff {
  readonly commit: string;
  readonly diff: Uint8Array;
}

/** One file that a series changes. */
export interface FileRecord {
  /** As latin1. */
  readonly path: string;
  /** What each commit does to it, by the commit's place in the series, ascending. */
  readonly diffs: readonly (readonly [number, FileDiff])[];
  /** Absent where its commits can't be told apart by lines; `untold` says why. */
  readonly history?: FileHistory;
  readonly untold?: string;
}

/**
 * Weaves the history of each file that a series changes, sorted by path. One at a time: all of a large step at once would be
 * hundreds of megabytes.
 * @param commits the ids of the series' commits, in order
 * @param basesOf the text of each of some files before all commits, as latin1; undefined where it wasn't there
 */
export async function* historiesOf(
  commits: readonly string[],
  diffs: readonly CommitDiff[],
  basesOf: (paths: readonly string[]) => Promise<readonly (string | undefined)[]>,
): AsyncGenerator<FileRecord> {
  const places = new Map(commits.map((commit, place) => [commit, place]));
  const byPath = new Map<string, [number, FileDiff][]>();
  for (const { commit, diff } of diffs) {
    const place = places.get(commit);
    if (place === undefined) continue;
    for (const file of parseDiff(diff)) {
      const known = byPath.get(file.path);
      if (known) known.push([place, file]);
      else byPath.set(file.path, [[place, file]]);
    }
  }
  const paths = [...byPath.keys()].sort();
  for (let start = 0; start < paths.length; start += batchFiles) {
    const batch = paths.slice(start, start + batchFiles);
    const bases = await basesOf(batch);
    for (const [at, path] of batch.entries()) {
      yield recordOf(path, bases[at], byPath.get(path) ?? []);
      byPath.delete(path);
    }
  }
}

function recordOf(path: string, base: string | undefined, diffs: readonly (readonly [number, FileDiff])[]): FileRecord {
  try {
    return { path, diffs, history: new FileHistory(path, base, diffs) };
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    return { path, diffs, untold: error.message };
  }
}
