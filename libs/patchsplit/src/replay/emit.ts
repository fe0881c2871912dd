import type { NewCommit } from '#libs/trees';
import type { EmittedFile, EmittedHunk } from '../report/upstream.js';
import { never } from '../weave/line-weave.js';
import type { Lineage } from '../weave/lineage.js';
import type { FileVersion } from './woven-tree.js';

type FileChange = NewCommit['changes'][number];

/** What one commit of a weave changes, in figures. */
export interface LabelCounts {
  readonly paths: ReadonlySet<string>;
  readonly insertions: number;
  readonly deletions: number;
  readonly hunks: number;
}

/** Reads commits off the labels of the files' weaves. */
export class Emitter {
  private readonly touched = new Map<number, Lineage[]>();

  constructor(private readonly lineages: readonly Lineage[]) {
    for (const lineage of lineages) {
      for (const label of lineage.labels()) {
        const known = this.touched.get(label);
        if (known) known.push(lineage);
        else this.touched.set(label, [lineage]);
      }
    }
  }

  /** The files that commit `label` changes; those that go come first, so that a folder may take a file's place. */
  changesAt(label: number): FileChange[] {
    const changes = new Map<string, FileChange>();
    const moved: FileChange[] = [];
    for (const lineage of this.touched.get(label) ?? []) {
      const before = lineage.placeAt(label - 1);
      const after = lineage.placeAt(label);
      if (before && before.path !== after?.path) moved.push({ path: before.path });
      if (!after) continue;
      const { path, mode } = after;
      changes.set(path, { path, after: { mode, content: lineage.contentAt(label) } });
    }
    return [...moved.filter(({ path }) => !changes.has(path)), ...changes.values()];
  }

  /** What commit `label` does to each file that it changes, by its lines. */
  filesOf(label: number): EmittedFile[] {
    return (this.touched.get(label) ?? []).flatMap((lineage) => {
      const from = lineage.placeAt(label - 1);
      const to = lineage.placeAt(label);
      const hunks = hunksOf(lineage, label);
      if ((!from && !to) || (hunks.length === 0 && from === to)) return [];
      return [{ ...(from ? { from: from.path } : {}), ...(to ? { to: to.path } : {}), hunks }];
    });
  }

  /** Every file as it is after commit `label`. */
  filesAt(label: number): Map<string, FileVersion> {
    const files = new Map<string, FileVersion>();
    for (const lineage of this.lineages) {
      const place = lineage.placeAt(label);
      if (place) files.set(place.path, { mode: place.mode, content: lineage.contentAt(label) });
    }
    return files;
  }
}

/** The figures of a commit. */
export function countsOf(files: readonly EmittedFile[]): LabelCounts {
  const sum = { paths: new Set<string>(), insertions: 0, deletions: 0, hunks: 0 };
  for (const { from, to, hunks } of files) {
    sum.paths.add(to ?? from ?? '');
    sum.hunks += Math.max(1, hunks.length);
    for (const { removed, added } of hunks) {
      sum.insertions += added.length;
      sum.deletions += removed.length;
    }
  }
  return sum;
}

/** Runs of lines that come or go at `label`, with no line between that stays. */
function hunksOf({ weave }: Lineage, label: number): EmittedHunk[] {
  const hunks: { removed: string[]; added: string[] }[] = [];
  let inside = false;
  for (const { text, birth, death } of weave) {
    if (birth === never || birth >= death) continue;
    if (birth === label || death === label) {
      if (!inside) hunks.push({ removed: [], added: [] });
      inside = true;
      hunks.at(-1)?.[birth === label ? 'added' : 'removed'].push(text);
    } else if (birth < label && label < death) inside = false;
  }
  return hunks;
}
