import { createHash } from 'node:crypto';
import type { Candidate } from '../candidates/candidate.js';
import { subjectKey } from './subject-key.js';

/**
 * Candidates that are one patch, to the last unchanged line, under one subject: a fix that was picked to another branch is there twice. Nothing
 * tells them apart but the numbers of their hunks, which are those of the file that each one's author had.
 */
export class Twins {
  private readonly groups = new Map<Candidate, readonly Candidate[]>();

  constructor(candidates: readonly Candidate[]) {
    for (const alike of bySubject(candidates)) {
      if (alike.length < 2) continue;
      const byPatch = new Map<string, Candidate[]>();
      for (const candidate of alike) {
        const key = digestOf(candidate);
        const known = byPatch.get(key);
        if (known) known.push(candidate);
        else byPatch.set(key, [candidate]);
      }
      for (const group of byPatch.values()) for (const one of group) this.groups.set(one, group);
    }
  }

  /** The candidate and its twins. */
  of(candidate: Candidate): readonly Candidate[] {
    return this.groups.get(candidate) ?? [candidate];
  }
}

function bySubject(candidates: readonly Candidate[]): Iterable<Candidate[]> {
  const groups = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const key = subjectKey(candidate.subject);
    const known = groups.get(key);
    if (known) known.push(candidate);
    else groups.set(key, [candidate]);
  }
  return groups.values();
}

/** Of everything that a patch says but where its hunks stand. */
function digestOf({ files }: Candidate): string {
  const hash = createHash('sha256');
  for (const { from, to, copied, mode, hunks, binary } of files) {
    hash.update(JSON.stringify([from, to, copied, mode, binary?.method]));
    if (binary) hash.update(binary.data);
    for (const { signs, lines } of hunks) hash.update(`\0${signs}\0`).update(lines.join(''));
  }
  return hash.digest('base64');
}
