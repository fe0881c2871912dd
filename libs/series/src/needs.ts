import type { FileRecord } from './histories.js';

/** An earlier or later commit without which a commit's lines don't stand, and the files in which that is so. */
export interface Need {
  readonly commit: number;
  readonly paths: readonly string[];
}

/**
 * Collects what each commit of a series needs directly: the commits whose lines it removes, or that changed something right beside
 * its own changes. This is the one definition of that: the split exports it, and the build brings by it.
 */
export class Needs {
  private readonly byCommit = new Map<number, Map<number, string[]>>();

  add({ path, diffs, history }: FileRecord): void {
    if (!history) return;
    for (const [commit] of diffs) {
      for (const other of history.footing(commit).needed) this.need(commit, other, path);
    }
  }

  /** Ascending by commit, each with what it needs, ascending. */
  *[Symbol.iterator](): Iterator<readonly [number, readonly Need[]]> {
    for (const [commit, needs] of [...this.byCommit].sort(([a], [b]) => a - b)) {
      yield [commit, [...needs].sort(([a], [b]) => a - b).map(([other, paths]) => ({ commit: other, paths }))];
    }
  }

  private need(commit: number, other: number, path: string): void {
    const needs = this.byCommit.get(commit) ?? new Map<number, string[]>();
    this.byCommit.set(commit, needs);
    const paths = needs.get(other);
    if (paths) paths.push(path);
    else needs.set(other, [path]);
  }
}
