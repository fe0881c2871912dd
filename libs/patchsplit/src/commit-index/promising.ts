import { hashSeeds, HashSet, textHash } from '../hunks/line-hash.js';
import { isTelling, lineKey } from '../hunks/telling.js';
import type { FileSides } from '../select/changed-lines.js';
import { subjectKey } from '../select/subject-key.js';
import type { CommitIndex } from './commit-index.js';

/** Share of a commit's lines that must be in the step for it to be read: a third of what the choice itself asks of an unlisted one. */
const minShare = 0.2;
/** What a line counts that the step changes in another file. */
const elsewhere = 0.5;

/** What a step changes, as hashes, and what its changelog names. */
export class StepKeys {
  private readonly byPath = new Map<string, HashSet>();
  private readonly all = new HashSet();
  private readonly subjects = new Set<string>();

  constructor(subjects: readonly string[]) {
    for (const subject of subjects) {
      const key = subjectKey(subject);
      this.subjects.add(`${textHash(key, hashSeeds.subject)} ${textHash(key, hashSeeds.subjectToo)}`);
    }
  }

  /** Takes in a file that differs; its texts are not kept. */
  addFile({ path, before, after }: FileSides): void {
    const own = new HashSet();
    this.byPath.set(path, own);
    const old = countsOf(before);
    const fresh = countsOf(after);
    const addMore = (more: Counts, less: Counts, seed: number): void => {
      for (const [key, count] of more) {
        if (count <= (less.get(key) ?? 0)) continue;
        const hash = textHash(key, seed);
        own.add(hash);
        this.all.add(hash);
      }
    };
    addMore(fresh, old, hashSeeds.added);
    addMore(old, fresh, hashSeeds.removed);
  }

  /** Ids of the commits that may be in the step: the changelog names them, or enough of their lines is there. */
  promising(index: CommitIndex): string[] {
    const paths = index.paths.map((path) => this.byPath.get(path));
    return index.ids.filter((_, commit) => this.isNamed(index, commit) || this.isPromising(index, paths, commit));
  }

  private isNamed({ subjects }: CommitIndex, commit: number): boolean {
    return [0, 2].some((at) => this.subjects.has(`${subjects[commit * 4 + at]} ${subjects[commit * 4 + at + 1]}`));
  }

  private isPromising(index: CommitIndex, paths: readonly (HashSet | undefined)[], commit: number): boolean {
    const { touchesFrom, touches, linesFrom, lines } = index;
    let hits = 0;
    let total = 0;
    for (let touch = touchesFrom[commit] ?? 0; touch < (touchesFrom[commit + 1] ?? 0); touch++) {
      const code = touches[touch] ?? 0;
      const own = paths[code >>> 1];
      if ((code & 1) === 1 && own) return true;
      const end = linesFrom[touch + 1] ?? 0;
      for (let line = linesFrom[touch] ?? 0; line < end; line++) {
        const hash = lines[line] ?? 0;
        total += 1;
        if (own?.has(hash)) hits += 1;
        else if (this.all.has(hash)) hits += elsewhere;
      }
    }
    return hits >= 1 && hits >= minShare * total;
  }
}

type Counts = ReadonlyMap<string, number>;

function countsOf(lines: readonly string[] | undefined): Counts {
  const counts = new Map<string, number>();
  for (const line of lines ?? []) {
    if (!isTelling(line)) continue;
    const key = lineKey(line);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}
