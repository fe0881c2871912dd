import { patchedBinary } from '../candidates/binary.js';
import type { Candidate, FilePatch, PatchHunk } from '../candidates/candidate.js';
import { isTelling, lineKey } from '../hunks/telling.js';
import { isOpaque, type Lineage, weaveLines } from '../weave/lineage.js';
import { type Change, changesOf, locate, locateChange, oldLines } from './apply-hunk.js';
import type { StepBudget } from './step-budget.js';
import { type FileVersion, WovenTree } from './woven-tree.js';

/** A change that found no place in the file as it was. */
export interface Rejected {
  readonly label: number;
  /** The file that it is about, where there is one. */
  readonly lineage: Lineage | undefined;
  readonly removed: readonly string[];
  readonly added: readonly string[];
  /** The unchanged lines before it and after it, as the patch has them. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export interface Applied {
  /** Telling lines that went in as the patch has them. */
  readonly lines: number;
  readonly rejected: readonly Rejected[];
  /** Files that appeared, vanished, moved, changed their mode, or are no text. */
  readonly structural: number;
}

/** The lines of the target's version of a path, as keys; what is put in with fuzz must be among them. */
export type TargetLines = (path: string) => ReadonlyMap<string, number>;

const maxFuzz = 3;
const nearLines = 3;
const nothing: Applied = { lines: 0, rejected: [], structural: 0 };

/** Applies candidates one after the other to weaves of the base's files. */
export class Replay {
  readonly tree: WovenTree;

  constructor(
    base: ReadonlyMap<string, FileVersion>,
    private readonly targetLines: TargetLines,
    private readonly inTarget: (path: string) => boolean,
    private readonly budget: StepBudget,
    /** What candidates do to files that the vendor made anew. */
    private readonly anew: ReadonlySet<FilePatch> = new Set(),
  ) {
    this.tree = new WovenTree(base);
  }

  apply(candidate: Candidate, label: number): Applied {
    const sum = { lines: 0, rejected: [] as Rejected[], structural: 0 };
    for (const patch of candidate.files) {
      const applied = this.applyFile(patch, label);
      sum.lines += applied.lines;
      sum.structural += applied.structural;
      sum.rejected.push(...applied.rejected);
    }
    return sum;
  }

  private applyFile(patch: FilePatch, label: number): Applied {
    const { from, to } = patch;
    if (this.anew.has(patch)) return nothing;
    if (this.budget.leftOut.has(from ?? '') || this.budget.leftOut.has(to ?? '')) return nothing;
    if (from === undefined) return to === undefined ? nothing : this.create(patch, label);
    const lineage = this.tree.at(from) ?? (to === undefined ? undefined : this.tree.at(to));
    if (!lineage?.place) return rejectAll(patch, undefined, label);
    if (to === undefined) return this.remove(patch, lineage, label);
    if (patch.copied) return this.copy(patch, lineage, label);
    let structural = 0;
    const mode = modeOf(patch.mode) ?? lineage.place.mode;
    const moves = to !== from && lineage.place.path === from && !this.tree.at(to);
    const path = moves ? to : lineage.place.path;
    if (moves || (mode !== lineage.place.mode && patch.oldMode !== undefined)) {
      this.tree.move(lineage, label, { path, mode });
      structural += 1;
    }
    const applied = this.edit(patch, lineage, label);
    return { ...applied, structural: applied.structural + structural };
  }

  private create(patch: FilePatch, label: number): Applied {
    const path = patch.to ?? '';
    const there = this.tree.at(path);
    if (there) return rejectAll(patch, there, label);
    const text = patch.hunks.flatMap(({ signs, lines }) => lines.filter((_, at) => signs[at] === '+'));
    const content = patch.binary ? patchedBinary(Buffer.alloc(0), patch.binary) : Buffer.from(text.join(''), 'latin1');
    if (!content) return { lines: 0, rejected: [], structural: 0 };
    this.tree.add(path, { mode: modeOf(patch.mode) ?? '100644', content }, label);
    return { lines: text.filter(isTelling).length, rejected: [], structural: 1 };
  }

  private remove(patch: FilePatch, lineage: Lineage, label: number): Applied {
    const { live } = lineage.weave;
    const old = patch.hunks.flatMap(({ signs, lines }) => lines.filter((_, at) => signs[at] === '-'));
    const same = old.length === live.length && old.every((text, at) => live[at]?.text === text);
    if (!same && this.inTarget(lineage.place?.path ?? '')) return rejectAll(patch, lineage, label);
    lineage.weave.replace(label, 0, live.length, []);
    this.tree.move(lineage, label, undefined);
    return { lines: old.filter(isTelling).length, rejected: [], structural: 1 };
  }

  private copy(patch: FilePatch, source: Lineage, label: number): Applied {
    const path = patch.to ?? '';
    const there = this.tree.at(path);
    if (there) return rejectAll(patch, there, label);
    const content = Buffer.from(source.weave.live.map(({ text }) => text).join(''), 'latin1');
    const mode = modeOf(patch.mode) ?? source.place?.mode ?? '100644';
    const applied = this.edit(patch, this.tree.add(path, { mode, content }, label), label);
    return { ...applied, structural: applied.structural + 1 };
  }

  private edit(patch: FilePatch, lineage: Lineage, label: number): Applied {
    if (patch.binary) {
      const before = Buffer.from(lineage.weave.live.map(({ text }) => text).join(''), 'latin1');
      const after = patchedBinary(before, patch.binary);
      if (!after) return { lines: 0, rejected: [], structural: 0 };
      lineage.weave.replace(label, 0, lineage.weave.live.length, weaveLines(after));
      return { lines: 0, rejected: [], structural: 1 };
    }
    const opaque =
      lineage.weave.live.length === 1 && isOpaque(Buffer.from(lineage.weave.live[0]?.text ?? '', 'latin1'));
    if (opaque) return { lines: 0, rejected: [], structural: 0 };
    const rejected: Rejected[] = [];
    let lines = 0;
    let offset = 0;
    const path = lineage.place?.path ?? '';
    for (const hunk of patch.hunks) {
      if (this.budget.isSearchSpent(path)) {
        for (const name of [path, patch.from, patch.to]) if (name !== undefined) this.budget.leftOut.add(name);
        break;
      }
      const old = oldLines(hunk);
      // Lines to add and nothing around them: only an empty file says where.
      const anchored = old.length > 0 || lineage.weave.live.length === 0;
      const place = anchored ? locate(lineage.weave, old, hunk.oldStart - 1 + offset, this.spending(path)) : undefined;
      if (place !== undefined) {
        putHunk(lineage, hunk, place, label);
        lines += tellingOf(hunk);
        offset = place - (hunk.oldStart - 1) + grownBy(hunk);
      } else {
        const parts = this.applyInParts(lineage, hunk, label, offset);
        lines += parts.lines;
        rejected.push(...parts.rejected);
      }
    }
    return { lines, rejected, structural: 0 };
  }

  /** Change by change, with less around it, and only where the target says that it went in. */
  private applyInParts(lineage: Lineage, hunk: PatchHunk, label: number, offset: number): Omit<Applied, 'structural'> {
    const rejected: Rejected[] = [];
    const spend = this.spending(lineage.place?.path ?? '');
    let lines = 0;
    let shift = offset;
    for (const change of changesOf(hunk)) {
      const place = this.isInTarget(lineage, change)
        ? fuzzyPlace(lineage, change, shift, spend)
        : locateChange(lineage.weave, change, shift, 0, spend);
      if (place === undefined) {
        rejected.push(rejectedOf(change, lineage, label));
        continue;
      }
      lineage.weave.replace(label, place, change.removed.length, change.added);
      lines += [...change.removed, ...change.added].filter(isTelling).length;
      shift = place - change.at + change.added.length - change.removed.length;
    }
    return { lines, rejected };
  }

  private spending(path: string): (steps: number) => void {
    return (steps) => this.budget.spendSearch(path, steps);
  }

  private isInTarget(lineage: Lineage, { removed, added }: Change): boolean {
    const there = this.targetLines(lineage.place?.path ?? '');
    const fresh = added.filter(isTelling);
    if (fresh.length > 0) return fresh.filter((line) => there.has(lineKey(line))).length * 2 > fresh.length;
    const gone = removed.filter(isTelling);
    return gone.length > 0 && gone.filter((line) => !there.has(lineKey(line))).length * 2 > gone.length;
  }
}

function fuzzyPlace(
  lineage: Lineage,
  change: Change,
  offset: number,
  spend: (steps: number) => void,
): number | undefined {
  for (let fuzz = 0; fuzz <= maxFuzz; fuzz++) {
    const place = locateChange(lineage.weave, change, offset, fuzz, spend);
    if (place !== undefined) return place;
  }
  return undefined;
}

/** Puts a hunk where its old lines are, change by change, so that unchanged lines keep their labels. */
function putHunk(lineage: Lineage, { signs, lines }: PatchHunk, place: number, label: number): void {
  let at = place;
  for (let next = 0; next < lines.length;) {
    if (signs[next] === ' ') {
      at += 1;
      next += 1;
      continue;
    }
    let removed = 0;
    const added: string[] = [];
    for (; next < lines.length && signs[next] !== ' '; next++) {
      if (signs[next] === '-') removed += 1;
      else added.push(lines[next] ?? '');
    }
    lineage.weave.replace(label, at, removed, added);
    at += added.length;
  }
}

function grownBy({ signs }: PatchHunk): number {
  let grown = 0;
  for (const sign of signs) grown += sign === '+' ? 1 : sign === '-' ? -1 : 0;
  return grown;
}

function tellingOf({ signs, lines }: PatchHunk): number {
  return lines.filter((line, at) => signs[at] !== ' ' && isTelling(line)).length;
}

function rejectedOf({ removed, added, before, after }: Change, lineage: Lineage | undefined, label: number): Rejected {
  return { label, lineage, removed, added, before: before.slice(-nearLines), after: after.slice(0, nearLines) };
}

function rejectAll({ hunks }: FilePatch, lineage: Lineage | undefined, label: number): Applied {
  const rejected = hunks.flatMap(changesOf).map((change) => rejectedOf(change, lineage, label));
  return { lines: 0, rejected, structural: 0 };
}

function modeOf(mode: string | undefined): FileVersion['mode'] | undefined {
  return mode === '100644' || mode === '100755' || mode === '120000' ? mode : undefined;
}
