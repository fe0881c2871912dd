import type { FileDelta } from '../hunks/delta.js';
import { type Belief, believe, noneOf, type Weights } from './belief.js';
import { pairsInContext } from './context.js';
import { allHunkWords, type HunkWords } from './hunk-words.js';
import { type Link, linksOf } from './links.js';
import { noneAround } from './none-around.js';
import { type Pair, pairsOf } from './pairs.js';
import { type SubjectWords, wordsOf } from './subject.js';
import { SymbolIndex } from './symbol-index.js';

/** All that the network is shown at once. */
export interface Look {
  /** For each hunk the subjects that it may belong to, with their features. */
  readonly pairs: readonly (readonly Pair[])[];
  /** For each hunk what speaks for none of them (`noneOf`). */
  readonly none: readonly (readonly number[])[];
}

/** What a step's texts tell, before anything is believed of them: what `attribute` looks at, and what its weights are fitted on. */
export class Evidence {
  /** In the order of the files and of their hunks. */
  readonly hunks: readonly HunkWords[];
  readonly symbols: SymbolIndex;
  readonly words: readonly SubjectWords[];
  private readonly links: readonly (readonly Link[])[];

  constructor(
    private readonly files: readonly FileDelta[],
    subjects: readonly string[],
  ) {
    this.hunks = allHunkWords(files);
    this.symbols = new SymbolIndex(files, this.hunks);
    this.words = subjects.map(wordsOf);
    this.links = linksOf(this.hunks, this.symbols);
  }

  /** Each pair by itself. */
  first(): Look {
    return this.lookAt(pairsOf(this.files, this.hunks, this.words));
  }

  /** The pairs once more, beside what the look before made believe of the others. */
  again({ pairs }: Look, beliefs: readonly Belief[]): Look {
    const { files, hunks, links, words: subjects } = this;
    return this.lookAt(
      pairsInContext({ files, hunks, links, subjects }, pairs, beliefs),
      noneAround(hunks, links, beliefs),
    );
  }

  private lookAt(pairs: readonly (readonly Pair[])[], around: readonly (readonly number[])[] = []): Look {
    const none = this.hunks.map((hunk, index) =>
      noneOf(hunk, pairs[index] ?? [], this.files[hunk.file]?.whole === true, around[index]),
    );
    return { pairs, none };
  }
}

/** Shares out each hunk. */
export function believeAll({ pairs, none }: Look, weights: Weights): Belief[] {
  return pairs.map((list, index) => believe(list, none[index] ?? [], weights));
}
