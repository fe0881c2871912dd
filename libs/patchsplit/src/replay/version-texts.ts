import { lineKey } from '../hunks/telling.js';
import { weaveLines } from '../weave/lineage.js';
import type { FileVersion } from './woven-tree.js';

/** The files of one tree as lines, and how often each has which; taken apart when first asked for, and once. */
export class VersionTexts {
  private readonly lines = new Map<string, readonly string[]>();
  private readonly keys = new Map<string, ReadonlyMap<string, number>>();

  constructor(readonly files: ReadonlyMap<string, FileVersion>) {}

  /** Undefined where there is no such file. */
  linesOf(path: string): readonly string[] | undefined {
    const content = this.files.get(path)?.content;
    let lines = this.lines.get(path);
    if (!lines && content) this.lines.set(path, (lines = weaveLines(content)));
    return lines;
  }

  /** Each line without its blanks, with how often it stands there. */
  keysOf(path: string): ReadonlyMap<string, number> {
    let keys = this.keys.get(path);
    if (!keys) {
      const counts = new Map<string, number>();
      for (const line of this.linesOf(path) ?? []) {
        const key = lineKey(line);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      this.keys.set(path, (keys = counts));
    }
    return keys;
  }
}
