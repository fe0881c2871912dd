import type { Candidate, FilePatch } from '../candidates/candidate.js';
import { diffLines } from '../hunks/line-diff.js';
import { isTelling, lineKey } from '../hunks/telling.js';

/** Both sides of a file that differs; lines are absent where it isn't or is no text. */
export interface FileSides {
  readonly path: string;
  readonly before: readonly string[] | undefined;
  readonly after: readonly string[] | undefined;
  /** They are the lines that come and go alone, not whole versions. */
  readonly areEdits?: boolean;
}

/** How much of a candidate is in what changed. */
export interface Evidence {
  /** Share of its telling lines, 0…1. */
  readonly share: number;
  /** The lines found, those in another file by half. */
  readonly hits: number;
  readonly total: number;
}

/** Whether a tree's version of a path has a line. */
export type HasLine = (path: string, key: string) => boolean;

type Counts = Map<string, number>;
const elsewhere = 0.5;
/** A file that appears, vanishes or moves as the candidate has it speaks like so many lines. */
const structuralHits = 2;
/** One file speaks like so many lines at most: a large one that a program makes doesn't outvote those that people wrote. */
const maxOfFile = 200;

/** Which telling lines a step adds and removes, for each path and over all. */
export class ChangedLines {
  private readonly plus = new Map<string, Counts>();
  private readonly minus = new Map<string, Counts>();
  private readonly allPlus: Counts = new Map();
  private readonly allMinus: Counts = new Map();
  /** Lines that were in between only. */
  private readonly made = new Map<string, Counts>();
  private readonly unmade = new Map<string, Counts>();
  private readonly appeared = new Set<string>();
  private readonly vanished = new Set<string>();
  private readonly changed = new Set<string>();
  /** To be compared line by line where candidates move lines, or change blanks alone. */
  private readonly sides = new Map<string, FileSides>();
  private readonly edits = new Map<string, { readonly plus: Counts; readonly minus: Counts }>();
  /** Other names of a file that a candidate's renames tell of. */
  private readonly names = new Map<string, Set<string>>();

  constructor(files: readonly FileSides[]) {
    for (const file of files) {
      const { path, before, after } = file;
      this.sides.set(path, file);
      const old = countsOf(before ?? []);
      const fresh = countsOf(after ?? []);
      this.plus.set(path, difference(fresh, old, this.allPlus));
      this.minus.set(path, difference(old, fresh, this.allMinus));
      this.changed.add(path);
      if (!before) this.appeared.add(path);
      if (!after) this.vanished.add(path);
    }
  }

  touches({ files }: Candidate): boolean {
    return files.some(({ from, to }) => this.changed.has(from ?? '') || this.changed.has(to ?? ''));
  }

  /**
   * Learns what commits of the step hand on between them: lines that one removes and the base doesn't have were made by another, and
   * lines that one makes and the target doesn't have were removed by another. None of them shows in the net difference.
   */
  learnHandOns(candidates: readonly Candidate[], base: HasLine, target: HasLine): void {
    for (const { from, to, hunks } of candidates.flatMap(({ files }) => files)) {
      for (const { signs, lines } of hunks) {
        for (const [at, line] of lines.entries()) {
          if (!isTelling(line)) continue;
          const key = lineKey(line);
          if (signs[at] !== '+' && from !== undefined && !base(from, key)) raise(this.made, from, key);
          if (signs[at] === '+' && to !== undefined && !target(to, key)) raise(this.unmade, to, key);
        }
      }
    }
  }

  /** Learns that a file moved, where the step agrees. */
  learnNames({ files }: Candidate): void {
    for (const { from, to, copied } of files) {
      if (from === undefined || to === undefined || from === to || copied) continue;
      if (!this.vanished.has(from) || !this.changed.has(to)) continue;
      link(this.names, from, to);
      link(this.names, to, from);
    }
  }

  evidenceOf({ files }: Pick<Candidate, 'files'>): Evidence {
    const used: Counts = new Map();
    let hits = 0;
    let total = 0;
    for (const patch of files) {
      const structural = this.structureOf(patch);
      const lines = this.linesFound(patch, 'moves', used);
      const weight = Math.min(1, maxOfFile / Math.max(1, lines.total));
      hits += structural.hits + weight * lines.hits;
      total += structural.total + weight * lines.total;
    }
    return { share: total === 0 ? 0 : hits / total, hits, total };
  }

  /**
   * How many telling lines of one file's change are in the step, and how many it has.
   * @param counts whether lines that a patch moves count where the versions are compared in order. In a file that a program makes anew nearly
   * all lines move, so that they are found by chance.
   */
  linesFound(patch: FilePatch, counts: 'moves' | 'no moves', used: Counts = new Map()): Omit<Evidence, 'share'> {
    const changes = changesIn(patch);
    const moved = counts === 'moves' ? movedIn(changes) : undefined;
    let hits = 0;
    for (const { added, key, line } of changes) {
      if (moved?.has(key) && this.isEdit(added, patch, line, used)) hits += 1;
      else hits += this.creditOf(added, patch, key, used);
    }
    return { hits, total: changes.length };
  }

  /** Whether a line as it is comes or goes where the versions are compared in order: in the sum of both it doesn't show. */
  private isEdit(added: boolean, { from, to }: FilePatch, line: string, used: Counts): boolean {
    const path = (added ? (to ?? from) : (from ?? to)) ?? '';
    const { plus, minus } = this.editsOf(path);
    return take(added ? plus : minus, `${added ? '+' : '-'}${path}\0=`, line, used);
  }

  private editsOf(path: string): { readonly plus: Counts; readonly minus: Counts } {
    let edits = this.edits.get(path);
    if (!edits) {
      const { before = [], after = [], areEdits = false } = this.sides.get(path) ?? {};
      edits = { plus: new Map<string, number>(), minus: new Map<string, number>() };
      const all = areEdits ? [{ at: 0, removed: before.length, to: 0, added: after.length }] : diffLines(before, after);
      for (const { at, removed, to, added } of all) {
        for (const line of before.slice(at, at + removed)) edits.minus.set(line, (edits.minus.get(line) ?? 0) + 1);
        for (const line of after.slice(to, to + added)) edits.plus.set(line, (edits.plus.get(line) ?? 0) + 1);
      }
      this.edits.set(path, edits);
    }
    return edits;
  }

  private creditOf(added: boolean, { from, to }: FilePatch, key: string, used: Counts): number {
    const path = (added ? (to ?? from) : (from ?? to)) ?? '';
    const side = added ? this.plus : this.minus;
    for (const name of [path, ...(this.names.get(path) ?? [])]) {
      const scope = `${added ? '+' : '-'}${name}\0`;
      if (take(side.get(name), scope, key, used)) return 1;
      if ((added ? this.made : this.unmade).get(name)?.has(key)) return 1;
    }
    return take(added ? this.allPlus : this.allMinus, added ? '+\0' : '-\0', key, used) ? elsewhere : 0;
  }

  private structureOf({ from, to, copied, hunks, binary }: FilePatch): { hits: number; total: number } {
    if (from !== undefined && from === to) {
      if (hunks.length > 0) return { hits: 0, total: 0 };
      // A mode or a binary: that the file changed at all is half of it.
      return { hits: this.changed.has(from) ? structuralHits * (binary ? elsewhere : 1) : 0, total: structuralHits };
    }
    const came = to === undefined || this.appeared.has(to);
    const went = from === undefined || copied || this.vanished.has(from);
    return { hits: came && went ? structuralHits : 0, total: structuralHits };
  }
}

interface ChangedLine {
  readonly added: boolean;
  readonly key: string;
  readonly line: string;
}

function changesIn({ hunks }: FilePatch): ChangedLine[] {
  const changes: ChangedLine[] = [];
  for (const { signs, lines } of hunks) {
    for (const [at, line] of lines.entries()) {
      if (signs[at] !== ' ' && isTelling(line)) changes.push({ added: signs[at] === '+', key: lineKey(line), line });
    }
  }
  return changes;
}

/** What a patch takes away in one place and puts in another, or elsewhere on the line. */
function movedIn(changes: readonly ChangedLine[]): ReadonlySet<string> | undefined {
  const gone = new Set<string>();
  for (const { added, key } of changes) if (!added) gone.add(key);
  if (gone.size === 0 || gone.size === changes.length) return undefined;
  return new Set(changes.flatMap(({ added, key }) => (added && gone.has(key) ? key : [])));
}

function countsOf(lines: readonly string[]): Counts {
  const counts: Counts = new Map();
  for (const line of lines) {
    if (!isTelling(line)) continue;
    const key = lineKey(line);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function difference(more: Counts, less: Counts, all: Counts): Counts {
  const rest: Counts = new Map();
  for (const [key, count] of more) {
    const over = count - (less.get(key) ?? 0);
    if (over <= 0) continue;
    rest.set(key, over);
    all.set(key, (all.get(key) ?? 0) + over);
  }
  return rest;
}

function take(counts: Counts | undefined, scope: string, key: string, used: Counts): boolean {
  const have = counts?.get(key) ?? 0;
  if (have === 0) return false;
  const taken = used.get(scope + key) ?? 0;
  if (taken >= have) return false;
  used.set(scope + key, taken + 1);
  return true;
}

function raise(counts: Map<string, Counts>, path: string, key: string): void {
  const known = counts.get(path) ?? new Map<string, number>();
  counts.set(path, known.set(key, (known.get(key) ?? 0) + 1));
}

function link(names: Map<string, Set<string>>, from: string, to: string): void {
  const known = names.get(from);
  if (known) known.add(to);
  else names.set(from, new Set([to]));
}
