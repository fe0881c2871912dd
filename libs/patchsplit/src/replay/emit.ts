import type { NewCommit } from '#libs/trees';
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

  countsAt(label: number): LabelCounts {
    const sum = { paths: new Set<string>(), insertions: 0, deletions: 0, hunks: 0 };
    for (const lineage of this.touched.get(label) ?? []) {
      const path = (lineage.placeAt(label) ?? lineage.placeAt(label - 1))?.path;
      if (path === undefined) continue;
      const counts = countsOf(lineage, label);
      const moved = lineage.placeAt(label) !== lineage.placeAt(label - 1);
      if (counts.hunks === 0 && !moved) continue;
      sum.paths.add(path);
      sum.insertions += counts.insertions;
      sum.deletions += counts.deletions;
      sum.hunks += Math.max(1, counts.hunks);
    }
    return sum;
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

function countsOf({ weave }: Lineage, label: number): { insertions: number; deletions: number; hunks: number } {
  const counts = { insertions: 0, deletions: 0, hunks: 0 };
  let inside = false;
  for (const { birth, death } of weave) {
    if (birth === never || birth >= death) continue;
    const born = birth === label;
    const dies = death === label;
    if (born || dies) {
      if (born) counts.insertions += 1;
      else counts.deletions += 1;
      if (!inside) counts.hunks += 1;
      inside = true;
    } else if (birth < label && label < death) inside = false;
  }
  return counts;
}
