import { lineKey } from '../hunks/telling.js';
import { weaveLines } from '../weave/lineage.js';
import type { FileVersion } from './woven-tree.js';

/** The files of one tree as lines, and which lines each has; taken apart when first asked for, and once. */
export class VersionTexts {
  private readonly lines = new Map<string, readonly string[]>();
  private readonly keys = new Map<string, ReadonlySet<string>>();

  constructor(readonly files: ReadonlyMap<string, FileVersion>) {}

  /** Undefined where there is no such file. */
  linesOf(path: string): readonly string[] | undefined {
    const content = this.files.get(path)?.content;
    let lines = this.lines.get(path);
    if (!lines && content) this.lines.set(path, (lines = weaveLines(content)));
    return lines;
  }

  keysOf(path: string): ReadonlySet<string> {
    let keys = this.keys.get(path);
    if (!keys) this.keys.set(path, (keys = new Set((this.linesOf(path) ?? []).map(lineKey))));
    return keys;
  }
}
