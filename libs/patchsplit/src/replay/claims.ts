import { isTelling, lineKey } from '../hunks/telling.js';
import { wordEditKey, wordEditOf } from '../hunks/word-edit.js';
import type { ResidualEdit } from '../weave/line-weave.js';
import type { Rejected } from './replay.js';

/** What so many changes have (`msgstr ""`) speaks for none. */
const maxHolders = 20;
/** Rejected changes that are looked at for one residual edit. */
const maxClaimants = 12;
/** Of an unchanged line beside a change; one alone is no claim. */
const nearVote = 0.5;

type Holders = ReadonlyMap<string, readonly number[]>;

/** The rejected changes of one file, to be asked which of them a residual edit may be. */
export class Claims {
  private readonly removed: Holders;
  private readonly added: Holders;
  private readonly before: Holders;
  private readonly after: Holders;
  /** By what they do to the words of their lines. */
  private readonly edits: Holders;

  constructor(private readonly rejected: readonly Rejected[]) {
    this.removed = holdersOf(rejected, ({ removed }) => removed);
    this.added = holdersOf(rejected, ({ added }) => added);
    this.before = holdersOf(rejected, ({ before }) => before);
    this.after = holdersOf(rejected, ({ after }) => after);
    this.edits = holdersBy(rejected, ({ removed, added }) => editsIn(removed, added));
  }

  /** Those that change the same lines, or stand between the same ones; the likeliest first. */
  claimants({ removed, added, before, after }: ResidualEdit): readonly Rejected[] {
    const votes = new Map<number, number>();
    const count = (holders: Holders, keys: readonly string[], weight: number): void => {
      for (const key of keys) {
        const known = holders.get(key) ?? [];
        if (known.length <= maxHolders) for (const at of known) votes.set(at, (votes.get(at) ?? 0) + weight);
      }
    };
    const [gone, come] = [removed, added].map((lines) => lines.map(({ text }) => text));
    count(this.removed, keysOf(gone ?? []), 1);
    count(this.added, keysOf(come ?? []), 1);
    count(this.edits, editsIn(gone ?? [], come ?? []), 1);
    count(this.before, keysOf(before), nearVote);
    count(this.after, keysOf(after), nearVote);
    return [...votes]
      .filter(([, vote]) => vote >= 1)
      .sort(([a, x], [b, y]) => y - x || a - b)
      .slice(0, maxClaimants)
      .flatMap(([at]) => this.rejected[at] ?? []);
  }
}

const keysOf = (texts: readonly string[]): string[] => texts.filter(isTelling).map(lineKey);

function editsIn(removed: readonly string[], added: readonly string[]): string[] {
  const edit = wordEditOf(removed, added);
  return edit ? [wordEditKey(edit)] : [];
}

function holdersOf(rejected: readonly Rejected[], linesOf: (one: Rejected) => readonly string[]): Holders {
  return holdersBy(rejected, (one) => keysOf(linesOf(one)));
}

function holdersBy(rejected: readonly Rejected[], keysIn: (one: Rejected) => readonly string[]): Holders {
  const holders = new Map<string, number[]>();
  for (const [at, one] of rejected.entries()) {
    for (const key of new Set(keysIn(one))) {
      const known = holders.get(key);
      if (known) known.push(at);
      else holders.set(key, [at]);
    }
  }
  return holders;
}
