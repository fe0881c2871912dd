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
  /** Of each hunk of the patch: the line, from 0, at which it stood in the file before the commit; absent where it found no place as a whole. */
  readonly places: readonly (number | undefined)[];
}

interface PartlyApplied extends Pick<Applied, 'lines' | 'rejected'> {
  /** Lines more than before. */
  readonly grown: number;
}

/** Lines of a path, as keys. */
export type LinesAt = (path: string) => { has(key: string): boolean };

/** What tells that a change was made, though not all that was around it is there. */
export interface Outcome {
  /** The lines of the target. */
  readonly inTarget: LinesAt;
  /** Lines that one of the commits takes away: another made them. */
  readonly takenAway: LinesAt;
  hasFile(path: string): boolean;
}

const maxFuzz = 3;
const nearLines = 3;
/** Of one file; what was not looked at hunk by hunk has no places. */
type AppliedFile = Omit<Applied, 'places'> & Partial<Pick<Applied, 'places'>>;
const nothing: AppliedFile = { lines: 0, rejected: [], structural: 0 };

/** Applies candidates one after the other to weaves of the base's files. */
export class Replay {
  readonly tree: WovenTree;

  constructor(
    base: ReadonlyMap<string, FileVersion>,
    private readonly outcome: Outcome,
    private readonly budget: StepBudget,
    /** What candidates do to files that the vendor made anew. */
    private readonly anew: ReadonlySet<FilePatch> = new Set(),
    /** Names of files that candidates have, with those that the trees have. */
    private readonly names: ReadonlyMap<string, string> = new Map(),
  ) {
    this.tree = new WovenTree(base);
  }

  apply(candidate: Candidate, label: number): Applied {
    const sum = { lines: 0, rejected: [] as Rejected[], structural: 0, places: [] as (number | undefined)[] };
    for (const patch of candidate.files) {
      const applied = this.applyFile(patch, label);
      sum.lines += applied.lines;
      sum.structural += applied.structural;
      sum.rejected.push(...applied.rejected);
      sum.places.push(...patch.hunks.map((_, at) => applied.places?.[at]));
    }
    return sum;
  }

  private applyFile(patch: FilePatch, label: number): AppliedFile {
    const { from, to } = patch;
    if (this.anew.has(patch)) return nothing;
    if (this.budget.leftOut.has(from ?? '') || this.budget.leftOut.has(to ?? '')) return nothing;
    if (from === undefined) return to === undefined ? nothing : this.create(patch, label);
    const lineage =
      this.tree.at(from) ??
      (to === undefined ? undefined : this.tree.at(to)) ??
      this.tree.at(this.names.get(from) ?? '');
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

  private create(patch: FilePatch, label: number): AppliedFile {
    const path = patch.to ?? '';
    const there = this.tree.at(path);
    if (there) return rejectAll(patch, there, label);
    const text = patch.hunks.flatMap(({ signs, lines }) => lines.filter((_, at) => signs[at] === '+'));
    const content = patch.binary ? patchedBinary(Buffer.alloc(0), patch.binary) : Buffer.from(text.join(''), 'latin1');
    if (!content) return { lines: 0, rejected: [], structural: 0 };
    this.tree.add(path, { mode: modeOf(patch.mode) ?? '100644', content }, label);
    return { lines: text.filter(isTelling).length, rejected: [], structural: 1 };
  }

  private remove(patch: FilePatch, lineage: Lineage, label: number): AppliedFile {
    const { live } = lineage.weave;
    const old = patch.hunks.flatMap(({ signs, lines }) => lines.filter((_, at) => signs[at] === '-'));
    const same = old.length === live.length && old.every((text, at) => live[at]?.text === text);
    if (!same && this.outcome.hasFile(lineage.place?.path ?? '')) return rejectAll(patch, lineage, label);
    lineage.weave.replace(label, 0, live.length, []);
    this.tree.move(lineage, label, undefined);
    return { lines: old.filter(isTelling).length, rejected: [], structural: 1 };
  }

  private copy(patch: FilePatch, source: Lineage, label: number): AppliedFile {
    const path = patch.to ?? '';
    const there = this.tree.at(path);
    if (there) return rejectAll(patch, there, label);
    const content = Buffer.from(source.weave.live.map(({ text }) => text).join(''), 'latin1');
    const mode = modeOf(patch.mode) ?? source.place?.mode ?? '100644';
    const applied = this.edit(patch, this.tree.add(path, { mode, content }, label), label);
    return { ...applied, structural: applied.structural + 1 };
  }

  private edit(patch: FilePatch, lineage: Lineage, label: number): AppliedFile {
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
    const places: (number | undefined)[] = [];
    let lines = 0;
    let offset = 0;
    let grown = 0;
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
      places.push(place === undefined ? undefined : place - grown);
      if (place !== undefined) {
        putHunk(lineage, hunk, place, label);
        lines += tellingOf(hunk);
        offset = place - (hunk.oldStart - 1) + grownBy(hunk);
        grown += grownBy(hunk);
      } else {
        const parts = this.applyInParts(lineage, hunk, label, offset);
        lines += parts.lines;
        grown += parts.grown;
        rejected.push(...parts.rejected);
      }
    }
    return { lines, rejected, structural: 0, places };
  }

  /** Change by change, with less around it, and only where the target says that it went in. */
  private applyInParts(lineage: Lineage, hunk: PatchHunk, label: number, offset: number): PartlyApplied {
    const rejected: Rejected[] = [];
    const spend = this.spending(lineage.place?.path ?? '');
    let lines = 0;
    let shift = offset;
    let grown = 0;
    for (const change of changesOf(hunk)) {
      const place = this.wasMade(lineage, change)
        ? fuzzyPlace(lineage, change, shift, spend)
        : locateChange(lineage.weave, change, shift, 0, spend);
      if (place === undefined) {
        rejected.push(rejectedOf(change, lineage, label));
        continue;
      }
      lineage.weave.replace(label, place, change.removed.length, change.added);
      lines += [...change.removed, ...change.added].filter(isTelling).length;
      shift = place - change.at + change.added.length - change.removed.length;
      grown += change.added.length - change.removed.length;
    }
    return { lines, rejected, grown };
  }

  private spending(path: string): (steps: number) => void {
    return (steps) => this.budget.spendSearch(path, steps);
  }

  private wasMade(lineage: Lineage, { removed, added }: Change): boolean {
    const path = lineage.place?.path ?? '';
    const there = this.outcome.inTarget(path);
    const away = this.outcome.takenAway(path);
    const fresh = added.filter(isTelling).map(lineKey);
    if (fresh.length > 0) return fresh.filter((key) => there.has(key) || away.has(key)).length * 2 > fresh.length;
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

function rejectAll({ hunks }: FilePatch, lineage: Lineage | undefined, label: number): AppliedFile {
  const rejected = hunks.flatMap(changesOf).map((change) => rejectedOf(change, lineage, label));
  return { lines: 0, rejected, structural: 0 };
}

function modeOf(mode: string | undefined): FileVersion['mode'] | undefined {
  return mode === '100644' || mode === '100755' || mode === '120000' ? mode : undefined;
}
