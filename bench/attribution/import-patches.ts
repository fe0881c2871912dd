// Makes a step of single patches: what a vendor's drop would be that took just these, though no tree exists that they all apply to.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Candidate, CandidateError, deltaOf, type FileDelta, type Hunk, parseMail } from '#libs/patchsplit';
import { changelogOf, type ImportOptions } from './changelog.js';
import { type Step, StepError } from './step.js';

/** Patches by their authors' dates: at or after `since`, before `until`. */
export interface Period {
  readonly since?: Date;
  readonly until?: Date;
}

interface OwnedHunk {
  readonly hunk: Hunk;
  readonly whole: boolean;
  readonly subject: string;
}

/**
 * Reads all `.patch` files below a folder, in the order of their authors' dates; of several with one subject (a fix for several branches)
 * the first by name. What isn't readable as a patch is passed over.
 * @throws StepError if nothing is left
 */
export async function importPatches(
  folder: string,
  period: Period,
  options: ImportOptions,
): Promise<Omit<Step, 'name'>> {
  const patches = (await patchesIn(folder, period)).sort((a, b) => a.author.at.getTime() - b.author.at.getTime());
  if (patches.length === 0) throw new StepError(`no patches of that time with a subject in ${folder}`);
  const byPath = new Map<string, OwnedHunk[]>();
  for (const patch of patches) {
    for (const { path, whole, hunks } of deltasOf(patch)) {
      const own = hunks.map((hunk) => ({ hunk, whole, subject: patch.subject }));
      byPath.set(path, [...(byPath.get(path) ?? []), ...own]);
    }
  }
  const files: FileDelta[] = [];
  const truth: ReadonlyMap<string, number>[] = [];
  for (const [path, all] of [...byPath].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const hunks = oneDelta(all);
    files.push({ path, whole: hunks.some(({ whole }) => whole), hunks: hunks.map(({ hunk }) => hunk) });
    truth.push(...hunks.map(({ hunk, subject }) => new Map([[subject, sizeOf(hunk)]])));
  }
  return { subjects: changelogOf(patches, options), files, truth };
}

async function patchesIn(folder: string, { since, until }: Period): Promise<Candidate[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const bySubject = new Map<string, Candidate>();
  for (const name of names.filter((one) => one.endsWith('.patch')).sort()) {
    const patch = read(await readFile(join(folder, name), 'latin1'));
    if (!patch || patch.subject === '' || bySubject.has(patch.subject)) continue;
    const { at } = patch.author;
    if ((since && at < since) || (until && at >= until)) continue;
    bySubject.set(patch.subject, patch);
  }
  return [...bySubject.values()];
}

function read(text: string): Candidate | undefined {
  try {
    return parseMail(text);
  } catch (error) {
    if (error instanceof CandidateError) return undefined;
    throw error;
  }
}

/** Between the line that names the function and the first of the hunk: so that it isn't taken for one that stands nearby. */
const gap = ['\n', '\n', '\n'];

/** Each hunk of the patch compared as the split compares a file, at the place that the patch names. */
function deltasOf({ files }: Candidate): FileDelta[] {
  return files.flatMap(({ from, to, hunks }) => {
    const path = to ?? from;
    if (path === undefined) return [];
    return hunks.flatMap(({ oldStart, section, signs, lines }): FileDelta => {
      const head = section === '' ? [] : [`${section}\n`, ...gap];
      const side = (sign: '-' | '+') => ({
        mode: '100644' as const,
        lines: [...head, ...lines.filter((_, at) => signs[at] === ' ' || signs[at] === sign)],
      });
      const { whole, hunks: found } = deltaOf(
        path,
        from === undefined ? undefined : side('-'),
        to === undefined ? undefined : side('+'),
      );
      const shift = Math.max(0, oldStart - 1) - head.length;
      return { path, whole, hunks: found.map((hunk) => ({ ...hunk, at: whole ? 0 : hunk.at + shift })) };
    });
  });
}

/** The hunks of all patches in the order of the file; a file that one of them brings or takes away is one hunk, the longest. */
function oneDelta(all: readonly OwnedHunk[]): readonly OwnedHunk[] {
  if (!all.some(({ whole }) => whole)) return all.toSorted((a, b) => a.hunk.at - b.hunk.at);
  return all.toSorted((a, b) => sizeOf(b.hunk) - sizeOf(a.hunk)).slice(0, 1);
}

const sizeOf = ({ added, removed }: Hunk): number => added.length + removed.length;
