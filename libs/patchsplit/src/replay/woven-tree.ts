import type { TreeMode } from '#libs/trees';
import { baseLabel } from '../weave/line-weave.js';
import { Lineage, type Place } from '../weave/lineage.js';

/** A file's version outside any weave. */
export interface FileVersion {
  readonly mode: TreeMode;
  readonly content: Buffer;
}

/** The files that commits touch, each as a weave; the base's versions are taken in when first asked for. */
export class WovenTree {
  readonly lineages: Lineage[] = [];
  private readonly byPath = new Map<string, Lineage>();
  private readonly seen = new Set<string>();

  constructor(private readonly base: ReadonlyMap<string, FileVersion>) {}

  /** The file that is at a path now. */
  at(path: string): Lineage | undefined {
    const version = this.base.get(path);
    if (version && !this.seen.has(path)) this.add(path, version, baseLabel);
    return this.byPath.get(path);
  }

  add(path: string, { mode, content }: FileVersion, label: number): Lineage {
    const lineage = new Lineage(content, { path, mode }, label);
    this.seen.add(path);
    this.lineages.push(lineage);
    this.byPath.set(path, lineage);
    return lineage;
  }

  /** Moves, deletes or re-modes a file. The new path must be free. */
  move(lineage: Lineage, label: number, place: Place): void {
    const old = lineage.place?.path;
    if (old !== undefined) this.byPath.delete(old);
    lineage.move(label, place);
    if (place) {
      this.seen.add(place.path);
      this.byPath.set(place.path, lineage);
    }
  }

  /** The file that was last at a path which is free now, there again as if it never went. */
  revive(path: string): Lineage | undefined {
    const lineage = this.lineages.findLast((one) => one.place === undefined && one.lastPath === path);
    if (!lineage?.undelete()) return undefined;
    this.byPath.set(path, lineage);
    return lineage;
  }
}
