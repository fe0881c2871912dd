import type { FileDiff, Hunk } from './diff.js';

/** One of the hunks that a commit's diff of the file has, from 0. */
export interface Edit {
  readonly commit: number;
  readonly hunk: number;
}

/** One line that the file has, or had at some time, in its place among all others. */
interface WovenLine {
  readonly text: string;
  /** What brought it; absent for a line of the base. */
  readonly from?: Edit;
  /** What took it away. */
  until?: Edit;
}

/**
 * One place at which the last version differs from the base, with the ranges that `diff -U0` would show: lines from 1, and where
 * there are none, the line before.
 */
export interface NetHunk {
  readonly from: { readonly start: number; readonly count: number };
  readonly to: { readonly start: number; readonly count: number };
  /** Whose its lines are: each exactly one's. In the order of the series. */
  readonly edits: readonly Edit[];
}

/** On which other commits a commit's changes to a file rest. */
export interface Footing {
  /** Those whose lines it removes, or that changed something right beside its own changes: it is nothing without them. */
  readonly needed: ReadonlySet<number>;
  /** Those that changed something within the three lines around its own changes, where git too would look. */
  readonly near: ReadonlySet<number>;
  /** Those, earlier or later, that change a function which it changes. */
  readonly sharing: ReadonlySet<number>;
}

const contextLines = 3;
const maxInserted = 10_000;
/** `static int pipe_read(struct kiocb *iocb,`: at the margin, with a parenthesis, and no declaration or label. */
const functionBegins = /^[A-Za-z_][^;]*\([^;]*$/;

/**
 * All versions of one file in one list of lines (a weave, as SCCS kept files): the content with any choice of commits follows
 * exactly from it, and so does what each commit's changes rest on. No text is searched for, so that nothing is found in the
 * wrong place.
 */
export class FileHistory {
  private readonly lines: WovenLine[];
  private readonly footings = new Map<number, Omit<Footing, 'sharing'>>();
  /** Who changes a function, by the line that it begins with. */
  private readonly functions = new Map<WovenLine, Set<number>>();
  private readonly creators: number[] = [];
  private readonly deleters: number[] = [];
  private readonly inBase: boolean;

  /**
   * @param base the file's text before all commits, as latin1; undefined if there was none.
   * @param diffs what each commit does to it, by the commit's place in the series, ascending.
   * @throws HistoryError if they don't follow from each other, or have no lines
   */
  constructor(path: string, base: string | undefined, diffs: readonly (readonly [number, FileDiff])[]) {
    this.inBase = base !== undefined;
    this.lines = linesOf(base ?? '').map((text) => ({ text }));
    for (const [commit, diff] of diffs) {
      if (diff.binary) throw new HistoryError(`${path} is no text`);
      if (diff.kind === 'added') this.creators.push(commit);
      if (diff.kind === 'deleted') this.deleters.push(commit);
      const births = (this.inBase ? 1 : 0) + this.creators.length;
      if (births !== 1 || this.deleters.length > 1) throw new HistoryError(`${path} goes and comes again`);
      if (!this.apply(commit, diff.hunks))
        throw new HistoryError(`${path}: the series’ commits don’t follow from each other`);
    }
  }

  /** What commit's changes to the file rest on. */
  footing(commit: number): Footing {
    const sharing = new Set<number>();
    for (const commits of this.functions.values()) {
      if (commits.has(commit)) for (const other of commits) sharing.add(other);
    }
    sharing.delete(commit);
    return { ...(this.footings.get(commit) ?? { needed: new Set(), near: new Set() }), sharing };
  }

  /** The file with those commits and no others; undefined if it isn't there then. */
  content(commits: ReadonlySet<number>): string | undefined {
    const there = this.inBase || this.creators.some((one) => commits.has(one));
    if (!there || this.deleters.some((one) => commits.has(one))) return undefined;
    return this.lines
      .filter(({ from, until }) => (!from || commits.has(from.commit)) && (!until || !commits.has(until.commit)))
      .map(({ text }) => text)
      .join('');
  }

  /** Where the last version differs from the base, in order; together these make the one of the other. */
  netHunks(): readonly NetHunk[] {
    const found: NetHunk[] = [];
    let open = new OpenHunk(0, 0);
    for (const { from, until } of this.lines) {
      if (from && until) continue;
      if (from ?? until) open.add(from, until);
      else {
        if (!open.isEmpty) {
          found.push(open.close());
          open = new OpenHunk(open.from + open.removed, open.to + open.added);
        }
        open.pass();
      }
    }
    return open.isEmpty ? found : [...found, open.close()];
  }

  /** Whose each line is that only one of the two versions has: of the base's lines who took it away, of the last one's who brought it. */
  owners(): { readonly taken: readonly (number | undefined)[]; readonly brought: readonly (number | undefined)[] } {
    const taken = this.lines.filter(({ from }) => !from).map(({ until }) => until?.commit);
    const brought = this.lines.filter(({ until }) => !until).map(({ from }) => from?.commit);
    return { taken, brought };
  }

  private apply(commit: number, hunks: readonly Hunk[]): boolean {
    const needed = new Set<number>([...this.creators, ...this.deleters]);
    const near = new Set<number>();
    const alive = this.lines.flatMap((line, at) => (line.until === undefined ? [at] : []));
    // From the end, so that places before stay as they are.
    for (const [last, { at, removed, added }] of hunks.toReversed().entries()) {
      const edit: Edit = { commit, hunk: hunks.length - 1 - last };
      const gone = alive.slice(at, at + removed.length);
      if (at > alive.length || gone.length < removed.length) return false;
      for (const [i, place] of gone.entries()) if (this.lines[place]?.text !== removed[i]) return false;
      const start = gone[0] ?? (at === 0 ? 0 : (alive[at - 1] ?? 0) + 1);
      const end = removed.length === 0 ? start : (gone.at(-1) ?? 0) + 1;
      this.lookAround(start, end, commit, needed, near);
      this.noteFunction(start, commit);
      for (const place of gone) {
        const line = this.lines[place];
        if (line) line.until = edit;
      }
      this.insert(end, added, edit);
    }
    needed.delete(commit);
    for (const one of needed) near.add(one);
    near.delete(commit);
    this.footings.set(commit, { needed, near });
    return true;
  }

  /** In pieces: a call takes so many arguments, and a file may come with more lines. */
  private insert(at: number, added: readonly string[], from: Edit): void {
    for (let start = 0; start < added.length; start += maxInserted) {
      const lines = added.slice(start, start + maxInserted).map((text): WovenLine => ({ text, from }));
      this.lines.splice(at + start, 0, ...lines);
    }
  }

  /** Finds the function that a place is in: the nearest line above that begins one, with none between that ends one. */
  private noteFunction(start: number, commit: number): void {
    for (let at = start - 1; at >= 0; at -= 1) {
      const line = this.lines[at];
      if (line === undefined || line.text.startsWith('}')) return;
      if (!functionBegins.test(line.text)) continue;
      this.functions.set(line, (this.functions.get(line) ?? new Set()).add(commit));
      return;
    }
  }

  /** Adds the commits that made or unmade the lines of a change (`start` to `end`), and the living ones around it. */
  private lookAround(start: number, end: number, commit: number, needed: Set<number>, near: Set<number>): void {
    const note = (line: WovenLine, into: Set<number>): void => {
      if (line.from) into.add(line.from.commit);
      if (line.until && line.until.commit !== commit) into.add(line.until.commit);
    };
    for (const line of this.lines.slice(start, end)) note(line, needed);
    for (const step of [-1, 1]) {
      let living = 0;
      for (let at = step < 0 ? start - 1 : end; living < contextLines; at += step) {
        const line = this.lines[at];
        if (line === undefined) break;
        note(line, living === 0 ? needed : near);
        if (line.until === undefined) living += 1;
      }
    }
  }
}

/** A run of lines that only one of the two versions has; `from` and `to` are the lines before it in each. */
class OpenHunk {
  removed = 0;
  added = 0;
  private readonly edits = new Map<string, Edit>();

  constructor(
    public from: number,
    public to: number,
  ) {}

  /** Goes on past a line that both have. */
  pass(): void {
    this.from += 1;
    this.to += 1;
  }

  get isEmpty(): boolean {
    return this.edits.size === 0;
  }

  add(from: Edit | undefined, until: Edit | undefined): void {
    if (from) this.added += 1;
    else this.removed += 1;
    const edit = from ?? until;
    if (edit) this.edits.set(`${edit.commit} ${edit.hunk}`, edit);
  }

  close(): NetHunk {
    return {
      from: { start: this.from + (this.removed > 0 ? 1 : 0), count: this.removed },
      to: { start: this.to + (this.added > 0 ? 1 : 0), count: this.added },
      edits: [...this.edits.values()].sort((a, b) => a.commit - b.commit || a.hunk - b.hunk),
    };
  }
}

/** A file's commits can't be told apart. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';
}

function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
