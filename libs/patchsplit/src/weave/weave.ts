import type { NewCommit, TreeChange } from '#libs/trees';
import type { FileDelta } from '../hunks/delta.js';
import { bytesOf, linesOf } from '../hunks/lines.js';
import type { PlannedCommit } from '../plan.js';
import { compose } from './compose.js';

/** A changed file: what git knows of it, what changed, and its old content (absent where it goes as a whole). */
export interface ChangedFile {
  readonly change: TreeChange;
  readonly delta: FileDelta;
  readonly before?: Buffer;
}

type FileChange = NewCommit['changes'][number];

/**
 * The files of each commit in turn: a file's version at commit k is the old one with all hunks of commits up to k, and its last
 * one is the target's own blob, so that the series ends where it must.
 */
export class Weave {
  private readonly lastOf = new Map<number, number>();
  private readonly commitOf: Int32Array[];

  constructor(
    private readonly files: readonly ChangedFile[],
    private readonly commits: readonly PlannedCommit[],
  ) {
    this.commitOf = files.map(({ delta }) => new Int32Array(delta.hunks.length));
    for (const [order, { changes }] of commits.entries()) {
      for (const { file, hunks } of changes) {
        this.lastOf.set(file, order);
        for (const hunk of hunks) this.commitOf[file]?.set([order], hunk);
      }
    }
  }

  /** What commit `order` changes. Composed when asked for: all versions of all files at once would be gigabytes. */
  changesAt(order: number): FileChange[] {
    return (this.commits[order]?.changes ?? []).flatMap(({ file }) => {
      const changed = this.files[file];
      return changed ? [this.versionAt(changed, file, order)] : [];
    });
  }

  private versionAt({ change, delta, before }: ChangedFile, file: number, order: number): FileChange {
    const { path, after } = change;
    if (!after) return { path };
    const lines = before && this.lastOf.get(file) !== order ? linesOf(before) : undefined;
    if (!lines) return { path, after: { mode: after.mode, content: after.blob } };
    const applied = delta.hunks.filter((_, hunk) => (this.commitOf[file]?.[hunk] ?? 0) <= order);
    return { path, after: { mode: after.mode, content: bytesOf(compose(lines, applied)) } };
  }
}
