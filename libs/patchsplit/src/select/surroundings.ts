import type { Candidate } from '../candidates/candidate.js';
import { isTelling, lineKey } from '../hunks/telling.js';
import type { HasLine } from './changed-lines.js';

/**
 * The unchanged lines around a candidate's changes: of several versions of one change (upstream's, and those picked to branches) they tell
 * which one was made for files like these.
 */
export class Surroundings {
  private readonly known = new Map<Candidate, number>();

  /** @param has whether one of the trees has a line. */
  constructor(private readonly has: HasLine) {}

  /** The share of them that the trees have, 0…1; 1 where there are none. */
  shareOf(candidate: Candidate): number {
    let share = this.known.get(candidate);
    if (share === undefined) this.known.set(candidate, (share = this.measure(candidate)));
    return share;
  }

  private measure({ files }: Candidate): number {
    let all = 0;
    let there = 0;
    for (const { from, to, hunks } of files) {
      for (const { signs, lines } of hunks) {
        for (const [at, line] of lines.entries()) {
          if (signs[at] !== ' ' || !isTelling(line)) continue;
          all += 1;
          if (this.has(to ?? from ?? '', lineKey(line))) there += 1;
        }
      }
    }
    return all === 0 ? 1 : there / all;
  }
}
