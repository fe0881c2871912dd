import type { Candidate } from '../candidates/candidate.js';
import { GrowingNumbers } from '../hunks/growing.js';
import { hashSeeds, textHash } from '../hunks/line-hash.js';
import { isTelling, lineKey } from '../hunks/telling.js';
import { subjectKeys } from '../select/subject-key.js';
import type { CommitIndex } from './commit-index.js';

/** Collects the commits of an index. */
export class IndexBuilder {
  private readonly ids: string[] = [];
  private readonly pathNumbers = new Map<string, number>();
  private readonly subjects = new GrowingNumbers();
  private readonly touchesFrom = new GrowingNumbers();
  private readonly touches = new GrowingNumbers();
  private readonly linesFrom = new GrowingNumbers();
  private readonly lines = new GrowingNumbers();

  get commits(): number {
    return this.ids.length;
  }

  /** How many lines have been taken in: what the index's size goes by. */
  get size(): number {
    return this.lines.length;
  }

  /** @param candidate absent for a commit that can be no candidate; it is remembered as looked at. */
  add(id: string, candidate: Candidate | undefined): void {
    this.ids.push(id);
    this.touchesFrom.push(this.touches.length);
    const [whole = '', bare = whole] = candidate ? subjectKeys(candidate.subject) : [];
    for (const key of [whole, bare]) {
      this.subjects.push(textHash(key, hashSeeds.subject));
      this.subjects.push(textHash(key, hashSeeds.subjectToo));
    }
    for (const file of candidate?.files ?? []) this.addFile(file);
  }

  build(): CommitIndex {
    return {
      ids: [...this.ids],
      subjects: this.subjects.taken(),
      paths: [...this.pathNumbers.keys()],
      touchesFrom: closed(this.touchesFrom, this.touches.length),
      touches: this.touches.taken(),
      linesFrom: closed(this.linesFrom, this.lines.length),
      lines: this.lines.taken(),
    };
  }

  private addFile({ from, to, hunks }: Candidate['files'][number]): void {
    const path = to ?? from ?? '';
    let number = this.pathNumbers.get(path);
    if (number === undefined) this.pathNumbers.set(path, (number = this.pathNumbers.size));
    this.touches.push(number * 2 + (hunks.length === 0 ? 1 : 0));
    this.linesFrom.push(this.lines.length);
    for (const { signs, lines } of hunks) {
      for (const [at, line] of lines.entries()) {
        if (signs[at] === ' ' || !isTelling(line)) continue;
        this.lines.push(textHash(lineKey(line), signs[at] === '+' ? hashSeeds.added : hashSeeds.removed));
      }
    }
  }
}

function closed(starts: GrowingNumbers, end: number): Uint32Array {
  const taken = new Uint32Array(starts.length + 1);
  taken.set(starts.taken());
  taken[starts.length] = end;
  return taken;
}
