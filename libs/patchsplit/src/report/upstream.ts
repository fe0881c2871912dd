import type { Candidate, FilePatch, PatchHunk } from '../candidates/candidate.js';
import { isTelling, lineKey } from '../hunks/telling.js';
import type { UpstreamDifference } from './schema.js';

/** What a commit of the series does to one file, in the lines of its own versions. */
export interface EmittedFile {
  /** The path before and after; absent where it wasn't or isn't there. */
  readonly from?: string;
  readonly to?: string;
  readonly hunks: readonly EmittedHunk[];
}

export interface EmittedHunk {
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

export interface ComparedToUpstream {
  /** Absent where the commit is as upstream has it. */
  readonly difference?: UpstreamDifference;
  /** Of all its lines the share that upstream has, 0…1. */
  readonly share: number;
  /** The same of each hunk of each file. */
  readonly shares: ReadonlyMap<string, readonly number[]>;
}

/**
 * Compares a commit with the upstream commit that it is taken for, line by line: what of it isn't here, and what is here that it
 * doesn't have. Blanks are no difference, places neither.
 */
export function compareToUpstream({ files }: Candidate, emitted: readonly EmittedFile[]): ComparedToUpstream {
  const pairs = pairFiles(files, emitted);
  const shares = new Map<string, readonly number[]>();
  const sum = { hunks: 0, absentHunks: 0, missingLines: 0, otherLines: 0 };
  const reworked: string[] = [];
  const own = { found: 0, count: 0 };
  for (const [patch, file] of pairs) {
    const missing = missingOf(patch.hunks, file);
    sum.hunks += patch.hunks.length;
    sum.absentHunks += missing.absentHunks;
    sum.missingLines += missing.lines;
  }
  for (const file of emitted) {
    const patches = pairs.filter(([, own]) => own === file).map(([patch]) => patch);
    const found = foundLines(file, patches);
    shares.set(pathOf(file), found.hunks.map(shareOf));
    for (const { found: lines, count } of found.hunks) {
      own.found += lines;
      own.count += count;
    }
    sum.otherLines += found.otherLines;
    if (found.otherLines > 0) reworked.push(pathOf(file));
  }
  const leftOut = pairs.filter(([, file]) => !file).map(([patch]) => pathOf(patch));
  const moved = pairs.flatMap(([patch, file]) =>
    file && pathOf(patch) !== pathOf(file) ? [{ upstream: pathOf(patch), path: pathOf(file) }] : [],
  );
  const same = sum.missingLines + sum.otherLines + leftOut.length + moved.length === 0;
  return { share: shareOf(own), shares, ...(same ? {} : { difference: { ...sum, leftOut, reworked, moved } }) };
}

const pathOf = ({ from, to }: { from?: string; to?: string }): string => to ?? from ?? '';
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** A file of another folder is the same one if it has so much of what upstream changes. */
const movedShare = 0.5;

/** Each file of the upstream commit with the one that it is here: by path, else one of its name with the same changes. */
function pairFiles(
  patches: readonly FilePatch[],
  emitted: readonly EmittedFile[],
): (readonly [FilePatch, EmittedFile | undefined])[] {
  const byPath = new Map(emitted.flatMap((file) => [file.from, file.to].map((path) => [path ?? '', file] as const)));
  byPath.delete('');
  const direct = patches.map((patch) => byPath.get(patch.to ?? '') ?? byPath.get(patch.from ?? ''));
  const taken = new Set(direct);
  const free = emitted.filter((file) => !taken.has(file));
  return patches.map((patch, at) => {
    return [patch, direct[at] ?? free.find((file) => isMoved(patch, file))];
  });
}

function isMoved(patch: FilePatch, file: EmittedFile): boolean {
  if (nameOf(pathOf(file)) !== nameOf(pathOf(patch))) return false;
  const all = missingOf(patch.hunks, undefined).lines;
  return all > 0 && missingOf(patch.hunks, file).lines <= all * (1 - movedShare);
}

/** How often each changed line stands in some hunks, by its sign and without its blanks. */
class LineCounts {
  private readonly counts = new Map<string, number>();

  add(sign: string, line: string): void {
    const key = sign + lineKey(line);
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }

  take(sign: string, line: string): boolean {
    const key = sign + lineKey(line);
    const left = this.counts.get(key) ?? 0;
    if (left > 0) this.counts.set(key, left - 1);
    return left > 0;
  }
}

function* emittedLines({ removed, added }: EmittedHunk): Generator<[sign: string, line: string]> {
  for (const line of removed) yield ['-', line];
  for (const line of added) yield ['+', line];
}

function* changedLines({ signs, lines }: PatchHunk): Generator<[sign: string, line: string]> {
  for (const [at, line] of lines.entries()) if (signs[at] !== ' ') yield [signs[at] ?? '', line];
}

/** What of the upstream hunks isn't in the file. Of braces and blanks alone nothing is said. */
function missingOf(hunks: readonly PatchHunk[], file: EmittedFile | undefined): { lines: number; absentHunks: number } {
  const here = new LineCounts();
  for (const hunk of file?.hunks ?? []) for (const [sign, line] of emittedLines(hunk)) here.add(sign, line);
  const missing = { lines: 0, absentHunks: 0 };
  for (const hunk of hunks) {
    let found = 0;
    let lost = 0;
    for (const [sign, line] of changedLines(hunk)) {
      const telling = isTelling(line);
      if (here.take(sign, line)) found += telling ? 1 : 0;
      else lost += telling ? 1 : 0;
    }
    missing.lines += lost;
    if (found === 0 && (lost > 0 || !file)) missing.absentHunks += 1;
  }
  return missing;
}

interface FoundLines {
  readonly found: number;
  readonly count: number;
}

const shareOf = ({ found, count }: FoundLines): number => (count === 0 ? 1 : found / count);

/** How many lines of each hunk upstream has. */
function foundLines(file: EmittedFile, patches: readonly FilePatch[]): { hunks: FoundLines[]; otherLines: number } {
  const upstream = new LineCounts();
  for (const { hunks } of patches) {
    for (const hunk of hunks) for (const [sign, line] of changedLines(hunk)) upstream.add(sign, line);
  }
  // A binary, or a patch that only moves the file: there are no lines to compare.
  const silent = patches.some(({ hunks, binary }) => binary !== undefined || hunks.length === 0);
  let otherLines = 0;
  const hunks = file.hunks.map((hunk) => {
    const lines = { found: 0, count: 0 };
    for (const [sign, line] of emittedLines(hunk)) {
      lines.count += 1;
      if (upstream.take(sign, line) || silent) lines.found += 1;
      else if (isTelling(line)) otherLines += 1;
    }
    return lines;
  });
  return { hunks, otherLines };
}
