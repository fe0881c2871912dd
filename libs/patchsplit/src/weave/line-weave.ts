import { diffLines } from '../hunks/line-diff.js';
import { isTelling } from '../hunks/telling.js';

/** The label of what the base tree has; commits are 0, 1, 2 … in their order. */
export const baseLabel = -1;
/** The death of a line that lives on in the target, and the birth of one that never was. */
export const never = Number.POSITIVE_INFINITY;

/** A line that ever was in a file. It stands in version t if `birth ≤ t < death`. */
export interface WovenLine {
  readonly text: string;
  birth: number;
  death: number;
  next: WovenLine | undefined;
}

/** What turned out to differ from the target at one place, after all commits. */
export interface ResidualEdit {
  readonly removed: readonly WovenLine[];
  readonly added: readonly WovenLine[];
  /** The lines that stay, nearest first: before it, and after it. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

const nearLines = 3;

/**
 * All versions of a file at once: every line that it ever had, in one order that all versions share, each with its birth and its
 * death. (M. Rochkind's SCCS kept files so, in 1972.) Whatever happens to labels, the lines that live on are the target's, in its
 * order: so a series that is read off the labels ends where it must, by construction.
 */
export class LineWeave implements Iterable<WovenLine> {
  private readonly head: WovenLine = { text: '', birth: never, death: never, next: undefined };
  private tip: WovenLine[] = [];
  private readonly counts = new Map<string, number>();

  constructor(lines: readonly string[], birth: number = baseLabel) {
    this.tip = insertAfter(this.head, lines, birth);
    for (const text of lines) this.count(text, 1);
  }

  /** How often a line stands in the newest version: where it doesn't, no search of it can succeed. */
  countOf(text: string): number {
    return this.counts.get(text) ?? 0;
  }

  /** The lines of the newest version. */
  get live(): readonly WovenLine[] {
    return this.tip;
  }

  *[Symbol.iterator](): Iterator<WovenLine> {
    for (let line = this.head.next; line; line = line.next) yield line;
  }

  versionAt(label: number): string[] {
    const texts: string[] = [];
    for (const { text, birth, death } of this) if (birth <= label && label < death) texts.push(text);
    return texts;
  }

  /** Commit `label` replaces `removed` lines from place `at` of the newest version. */
  replace(label: number, at: number, removed: number, added: readonly string[]): void {
    for (const line of this.tip.slice(at, at + removed)) {
      line.death = label;
      this.count(line.text, -1);
    }
    const before = this.tip[at + removed - 1] ?? this.head;
    for (const text of added) this.count(text, 1);
    this.tip.splice(at, removed, ...insertAfter(before, added, label));
  }

  /**
   * Makes the newest version the target's: what lacks is born at `label`, what is too much dies there. A line that a commit
   * removed and the target has in its place never died.
   * @param onRevived told of each such line, while it has its death still.
   */
  close(
    target: readonly string[],
    label: number,
    onRevived: (line: Readonly<WovenLine>) => void = () => undefined,
  ): ResidualEdit[] {
    const edits = diffLines(
      this.tip.map(({ text }) => text),
      target,
    );
    const tip: WovenLine[] = [];
    const residuals: ResidualEdit[] = [];
    let next = 0;
    for (const { at, removed, to, added } of edits) {
      for (const line of this.tip.slice(next, at)) tip.push(line);
      const gone = this.tip.slice(at, at + removed);
      next = at + removed;
      for (const line of gone) {
        line.death = label;
        this.count(line.text, -1);
      }
      const gap = between(tip.at(-1) ?? this.head, this.tip[next]);
      const fresh = weaveIn(tip.at(-1) ?? this.head, gap, target.slice(to, to + added), label, onRevived);
      for (const line of fresh) {
        tip.push(line);
        this.count(line.text, 1);
      }
      const born = fresh.filter(({ birth }) => birth === label);
      if (gone.length + born.length === 0) continue;
      const before = this.tip.slice(Math.max(0, at - nearLines), at).reverse();
      const after = this.tip.slice(next, next + nearLines);
      residuals.push({ removed: gone, added: born, before: before.map(textOf), after: after.map(textOf) });
    }
    for (const line of this.tip.slice(next)) tip.push(line);
    this.tip = tip;
    return residuals;
  }

  private count(text: string, by: number): void {
    this.counts.set(text, (this.counts.get(text) ?? 0) + by);
  }
}

const textOf = ({ text }: WovenLine): string => text;

function insertAfter(before: WovenLine, texts: readonly string[], birth: number): WovenLine[] {
  let last = before;
  return texts.map((text) => {
    last = last.next = { text, birth, death: never, next: last.next };
    return last;
  });
}

function between(first: WovenLine, end: WovenLine | undefined): WovenLine[] {
  const lines: WovenLine[] = [];
  for (let line = first.next; line && line !== end; line = line.next) lines.push(line);
  return lines;
}

/** Puts the target's lines into a gap of dead ones: those that are there live again, the others are born at `label`. */
function weaveIn(
  before: WovenLine,
  gap: readonly WovenLine[],
  texts: readonly string[],
  label: number,
  onRevived: (line: Readonly<WovenLine>) => void,
): WovenLine[] {
  const woven: WovenLine[] = [];
  let last = before;
  let at = 0;
  let to = 0;
  const dead = gap.filter(({ birth, death }) => death < label && birth !== never);
  const runs = commonRuns(dead, texts);
  const placeOf = new Map(runs.length === 0 ? [] : gap.map((line, place) => [line, place]));
  for (const run of runs) {
    const revived = dead.slice(run.at, run.at + run.length);
    const first = placeOf.get(revived[0] ?? before) ?? -1;
    if (first > at) last = gap[first - 1] ?? last;
    const fresh = insertAfter(last, texts.slice(to, run.to), label);
    for (const line of revived) {
      onRevived(line);
      line.death = never;
    }
    for (const line of fresh) woven.push(line);
    for (const line of revived) woven.push(line);
    last = revived.at(-1) ?? last;
    at = (placeOf.get(last) ?? -1) + 1;
    to = run.to + run.length;
  }
  if (gap.length > at) last = gap.at(-1) ?? last;
  return [...woven, ...insertAfter(last, texts.slice(to), label)];
}

/** Runs of lines that both have, in order; a run without a telling line (a brace, a blank) is chance. */
function commonRuns(
  dead: readonly WovenLine[],
  texts: readonly string[],
): { at: number; to: number; length: number }[] {
  if (dead.length === 0 || texts.length === 0) return [];
  const runs: { at: number; to: number; length: number }[] = [];
  let at = 0;
  let to = 0;
  const edits = diffLines(
    dead.map(({ text }) => text),
    texts,
  );
  for (const edit of [...edits, { at: dead.length, removed: 0, to: texts.length, added: 0 }]) {
    const length = edit.at - at;
    if (length > 0 && texts.slice(to, to + length).some(isTelling)) runs.push({ at, to, length });
    at = edit.at + edit.removed;
    to = edit.to + edit.added;
  }
  return runs;
}
