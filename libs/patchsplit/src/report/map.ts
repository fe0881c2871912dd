import type { FileRecord } from '#libs/series';
import type { CommitFindings } from './findings.js';
import type { MappedFile, MappedHunk } from './schema.js';

/** What is known of a commit where its hunks are looked up. */
export interface MappedCommit {
  readonly confidence: number;
  readonly hunks: CommitFindings['hunks'];
}

/**
 * Says of each hunk of a file's net difference whose it is. A file that is the same in both sources has none, and one whose lines
 * can't be told apart is its commits' as a whole.
 */
export function mapFile(record: FileRecord, commits: readonly MappedCommit[]): MappedFile {
  const { path, diffs, history, untold } = record;
  const change = changeOf(record);
  const touching = diffs.map(([commit]) => commit);
  // What one commit changes alone is its, lines or not.
  if (!history) return { path, change, hunks: [], whole: touching, ...(touching.length > 1 ? { untold } : {}) };
  const sureness = new Sureness(record, commits);
  const hunks = history.netHunks().map(({ from, to, edits }): MappedHunk => {
    const owners = new Map<number, number>();
    for (const { commit, hunk } of edits) {
      owners.set(commit, Math.min(owners.get(commit) ?? 1, sureness.of(commit, hunk)));
    }
    return [from.start, from.count, to.start, to.count, [...owners]];
  });
  const left = new Set(hunks.flatMap(([, , , , owners]) => owners.map(([commit]) => commit)));
  const whole = diffs
    .filter(([, diff]) => diff.kind !== 'modified' || diff.hunks.length === 0)
    .map(([commit]) => commit);
  const overwritten = touching.filter((commit) => !left.has(commit) && !whole.includes(commit));
  return {
    path,
    change,
    hunks,
    ...(whole.length > 0 ? { whole } : {}),
    ...(overwritten.length > 0 ? { overwritten } : {}),
  };
}

function changeOf({ diffs }: FileRecord): MappedFile['change'] {
  const first = diffs[0]?.[1].kind;
  const last = diffs.at(-1)?.[1].kind;
  if (last === 'deleted') return 'deleted';
  return first === 'added' ? 'added' : 'modified';
}

/** How sure each hunk of each commit is: as the split has it where both see the same hunks, else the middle of them. */
class Sureness {
  private readonly counts: ReadonlyMap<number, number>;

  constructor(
    private readonly record: FileRecord,
    private readonly commits: readonly MappedCommit[],
  ) {
    this.counts = new Map(record.diffs.map(([commit, { hunks }]) => [commit, hunks.length]));
  }

  of(commit: number, hunk: number): number {
    const { confidence = 0, hunks } = this.commits[commit] ?? {};
    const own = hunks?.get(this.record.path) ?? [];
    if (own.length === this.counts.get(commit)) return own[hunk] ?? confidence;
    if (own.length === 0) return confidence;
    return Math.round((1000 * own.reduce((sum, one) => sum + one, 0)) / own.length) / 1000;
  }
}
