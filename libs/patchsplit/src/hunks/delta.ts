import type { TreeMode } from '#libs/trees';
import { functionNames } from './function-context.js';
import { diffLines } from './line-diff.js';

/** One contiguous change of a file; the smallest piece that is given to a commit. */
export interface Hunk {
  /** Index of the first line in the old file that goes, or before which the new ones come. */
  readonly at: number;
  readonly removed: readonly string[];
  readonly added: readonly string[];
  /** Names of the functions, structs or macros that it stands in or makes. */
  readonly functions: readonly string[];
  /** Unchanged lines around it. */
  readonly near: readonly string[];
}

/** One side of a changed file; `lines` are absent where it is no text. */
export interface FileSide {
  readonly mode: TreeMode;
  readonly lines?: readonly string[] | undefined;
}

/** What changed in a file. */
export interface FileDelta {
  readonly path: string;
  /**
   * Whether the file goes to one commit as a whole: it appears, vanishes, changes its mode, or is no text. It has one hunk
   * then.
   */
  readonly whole: boolean;
  readonly hunks: readonly Hunk[];
}

const nearLines = 3;

/** Compares a file's two sides. A file that is the same has no hunks. */
export function deltaOf(path: string, before: FileSide | undefined, after: FileSide | undefined): FileDelta {
  const old = before?.lines;
  const fresh = after?.lines;
  if (!before || !after || before.mode !== after.mode || !old || !fresh) return wholeDelta(path, old, fresh);
  const edits = diffLines(old, fresh);
  const names = functionNames(old, edits);
  return {
    path,
    whole: false,
    hunks: edits.map((edit, index) => ({
      at: edit.at,
      removed: old.slice(edit.at, edit.at + edit.removed),
      added: fresh.slice(edit.to, edit.to + edit.added),
      functions: names[index] ?? [],
      near: [
        ...old.slice(Math.max(0, edit.at - nearLines), edit.at),
        ...old.slice(edit.at + edit.removed, edit.at + edit.removed + nearLines),
      ],
    })),
  };
}

/** The file as one piece: what `deltaOf` gives where hunks can't be told apart, or wouldn't compose. */
export function wholeDelta(path: string, old: readonly string[] = [], fresh: readonly string[] = []): FileDelta {
  return { path, whole: true, hunks: [{ at: 0, removed: old, added: fresh, functions: [], near: [] }] };
}
