import type { Candidate, PatchHunk } from '../candidates/candidate.js';

/** The lines of the base's version of a path; undefined where it has none. */
export type BaseLines = (path: string) => readonly string[] | undefined;

/** A hunk by where it stands in the base: the numbers in it are those of the file that its author had. */
interface Anchored {
  readonly path: string;
  /** Line of the base, from 0. */
  readonly at: number;
  /** How much further down its author's file had that line; absent where nothing in the hunk is found once in the base. */
  readonly shift?: number;
  readonly grown: number;
}

/** Hunks of one commit that are asked; more of them say the same again. */
const maxAsked = 40;
/** Commits of known order that are asked whether their numbers fit it, and what share of their hunks must. */
const maxSampled = 60;
const minFits = 0.7;
const minAsked = 10;

/**
 * What a patch's line numbers say of its order: above a hunk there are as many lines more than in the base as the commits before it
 * have added. Only numbers in the hunks are used, never the blob ids of `index` lines.
 */
export class LineShifts {
  private readonly anchors = new Map<Candidate, readonly Anchored[]>();
  private readonly lineNumbers = new Map<string, ReadonlyMap<string, number>>();

  constructor(private readonly base: BaseLines) {}

  /**
   * Whether the numbers of commits whose order is known are what that order makes them. Those of backports are not: they count the
   * lines of another branch.
   */
  areTold(ordered: readonly Candidate[]): boolean {
    let fits = 0;
    let asked = 0;
    const step = Math.max(1, Math.floor(ordered.length / maxSampled));
    for (let at = 0; at < ordered.length; at += step) {
      const candidate = ordered[at];
      if (!candidate) continue;
      const hunks = this.askedOf(candidate).length;
      asked += hunks;
      fits += hunks - (this.misfits(ordered.slice(0, at), candidate).at(-1) ?? 0);
    }
    return asked >= minAsked && fits >= minFits * asked;
  }

  /** For each place in the list (before the first, … after the last): how many of a candidate's hunks would have other numbers there. */
  misfits(ordered: readonly Candidate[], candidate: Candidate): Int32Array {
    const asked = this.askedOf(candidate);
    const shifts = asked.map(() => 0);
    const misfits = new Int32Array(ordered.length + 1);
    const byPath = new Map<string, number[]>();
    for (const [place, { path }] of asked.entries()) byPath.set(path, [...(byPath.get(path) ?? []), place]);
    const count = (): number => asked.filter(({ shift }, place) => shift !== shifts[place]).length;
    let now = count();
    misfits[0] = now;
    for (const [at, other] of ordered.entries()) {
      let moved = false;
      for (const { path, at: line, grown } of this.anchorsOf(other)) {
        for (const place of byPath.get(path) ?? []) {
          if (grown === 0 || line >= (asked[place]?.at ?? 0)) continue;
          shifts[place] = (shifts[place] ?? 0) + grown;
          moved = true;
        }
      }
      if (moved) now = count();
      misfits[at + 1] = now;
    }
    return misfits;
  }

  private askedOf(candidate: Candidate): readonly Anchored[] {
    return this.anchorsOf(candidate)
      .filter(({ shift }) => shift !== undefined)
      .slice(0, maxAsked);
  }

  private anchorsOf(candidate: Candidate): readonly Anchored[] {
    let anchors = this.anchors.get(candidate);
    if (!anchors) {
      anchors = candidate.files.flatMap(({ from, hunks }) =>
        from === undefined ? [] : hunks.map((hunk) => this.anchored(from, hunk)),
      );
      this.anchors.set(candidate, anchors);
    }
    return anchors;
  }

  private anchored(path: string, { oldStart, signs, lines }: PatchHunk): Anchored {
    const numbers = this.numbersOf(path);
    let grown = 0;
    let old = oldStart - 1;
    let anchor: { readonly at: number; readonly shift: number } | undefined;
    for (const [next, line] of lines.entries()) {
      const sign = signs[next];
      if (sign === '+') grown += 1;
      else {
        const known = numbers.get(line) ?? -1;
        if (!anchor && known >= 0) anchor = { at: known, shift: old - known };
        old += 1;
        if (sign === '-') grown -= 1;
      }
    }
    return { path, grown, at: anchor?.at ?? oldStart - 1, ...(anchor ? { shift: anchor.shift } : {}) };
  }

  /** Lines that the base's file has once, with their numbers; −1 for those that it has more often. */
  private numbersOf(path: string): ReadonlyMap<string, number> {
    let numbers = this.lineNumbers.get(path);
    if (!numbers) {
      const found = new Map<string, number>();
      for (const [at, line] of (this.base(path) ?? []).entries()) found.set(line, found.has(line) ? -1 : at);
      this.lineNumbers.set(path, (numbers = found));
    }
    return numbers;
  }
}
