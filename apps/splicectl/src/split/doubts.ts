import type { GitId } from '#libs/contracts';
import type { Changelog, SplitCounts, StepItem } from '#libs/patchsplit';
import type { TreeStore } from '#libs/trees';

/** Of two drops of one line nearly all files are in both; of Debian's 6.1.190 and 6.1.192 99.9 %. */
const fewestShared = 0.5;

/** Says that two sources don't look like two drops of one line, if they don't: the split is exact anyway, and tells next to nothing. */
export async function doubtsOfSources(trees: TreeStore, from: GitId, to: GitId): Promise<readonly string[]> {
  const older = await trees.list(from);
  if (older.length === 0)
    return ['the older source has no files, so all of the newer one is new: is --from the right one?'];
  const newer = new Set((await trees.list(to)).map(({ path }) => path));
  const shared = older.filter(({ path }) => newer.has(path)).length;
  if (shared >= older.length * fewestShared) return [];
  return [
    `only ${shared} of the ${older.length} files of the older source are in the newer one: are these two drops of the same source?`,
  ];
}

/** The changelog, and what of it is taken for the step between two versions. */
export interface ReadChangelog {
  readonly changelog: Changelog | undefined;
  readonly items: readonly StepItem[];
  readonly from: string;
  readonly to: string;
  /** Whether upstream commits are at hand as well. */
  readonly hasCandidates: boolean;
}

/** Says that a changelog tells nothing of the step, or may tell more than the step, if it does. */
export function doubtsOfChangelog({ changelog, items, from, to, hasCandidates }: ReadChangelog): readonly string[] {
  if (!changelog) {
    const none = 'neither a changelog nor candidates: all is in remainders (--changelog takes the vendor’s)';
    return hasCandidates ? [] : [none];
  }
  const versions = changelog.entries.map(({ version }) => version);
  const newest = versions[0] ?? 'none';
  const has = (bound: string): boolean =>
    versions.some((version) => version === bound || version.startsWith(`${bound}-`));
  const lacking = [from, to].filter((version) => version !== '' && !has(version));
  const range = `its newest entry is ${newest}, its oldest ${versions.at(-1) ?? 'none'}`;
  const doubts = lacking.map((version) => `the changelog has no entry ${version} (${range}): is it this source’s?`);
  if (items.length > 0 || changelog.entries.length === 0) return doubts;
  const step = `between ${from === '' ? 'its beginning' : from} and ${to === '' ? 'its end' : to}`;
  return [...doubts, `no entry of the changelog is ${step}: see --from-version and --to-version`];
}

/** Of so many entries one at least has a commit, if they are of the step. */
const manyEntries = 10;

/** Says that a changelog isn't the step's, if none of its entries has a commit. */
export function doubtsOfFindings({
  subjects,
  subjectsFound,
}: Pick<SplitCounts, 'subjects' | 'subjectsFound'>): readonly string[] {
  if (subjects < manyEntries || subjectsFound > 0) return [];
  return [`none of the changelog’s ${subjects} entries has a commit: is it of another release?`];
}
