import { type SplitReport, unfoundReasons, type UnfoundEntry, type UnfoundReason } from './schema.js';

/** How sure an attribution is, in words. */
export type Sureness = 'sure' | 'likely' | 'uncertain';

const sureFrom = 0.85;
const likelyFrom = 0.6;

export function sureOf(confidence: number): Sureness {
  if (confidence >= sureFrom) return 'sure';
  return confidence >= likelyFrom ? 'likely' : 'uncertain';
}

/** How many commits are how sure; remainders are none of them. */
export function sureness(commits: SplitReport['commits']): Readonly<Record<Sureness, number>> {
  const counts = { sure: 0, likely: 0, uncertain: 0 };
  for (const { kind, confidence } of commits) if (kind === 'attributed') counts[sureOf(confidence)] += 1;
  return counts;
}

/** Entries without a commit, by why; reasons that none has are left out. */
export function unfoundByReason({ unfound }: SplitReport): ReadonlyMap<UnfoundReason, readonly UnfoundEntry[]> {
  const all = unfoundReasons.map((why) => [why, unfound.filter((entry) => entry.why === why)] as const);
  return new Map(all.filter(([, entries]) => entries.length > 0));
}

export interface RemainderGroup {
  readonly label: string;
  readonly files: number;
  readonly hunks: number;
  readonly insertions: number;
  readonly deletions: number;
}

/** What nothing explains, by the subsystem of its label (`drivers/net`), the largest first. */
export function remainderGroups({ remainders }: SplitReport): readonly RemainderGroup[] {
  const groups = new Map<string, RemainderGroup>();
  for (const { label, files, hunks, insertions, deletions } of remainders) {
    const known = groups.get(label) ?? { label, files: 0, hunks: 0, insertions: 0, deletions: 0 };
    groups.set(label, {
      label,
      files: known.files + files,
      hunks: known.hunks + hunks,
      insertions: known.insertions + insertions,
      deletions: known.deletions + deletions,
    });
  }
  return [...groups.values()].sort((a, b) => b.hunks - a.hunks || (a.label < b.label ? -1 : 1));
}
