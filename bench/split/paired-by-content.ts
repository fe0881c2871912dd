import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { type Candidate, parseMail } from '#libs/patchsplit';

const run = promisify(execFile);

/** A commit of the release branch and the upstream commit that is said to be the same, with what they have in common. */
export interface Pair {
  readonly id: string;
  readonly subject: string;
  /** Lines that the branch's commit has in the step, without blank lines and braces. */
  readonly lines: number;
  /** Those of them that the upstream commit has too, in a file of that name. */
  readonly shared: number;
}

/**
 * Less in common than that isn't the same change. Of few lines none may be the same and it is one still (a check that was corrected in
 * other words), so they stay pairs.
 */
const leastShare = 0.3;
const fewLines = 20;

type Runs = readonly (readonly [first: number, last: number, tag: number, history: readonly number[]])[];
interface TruthCommit {
  id: string;
  readonly vendor: string;
  readonly subject: string;
  in_candidates: boolean;
  /** One if the branch's commit and the upstream one make the same change. */
  readonly patch_ids: readonly string[];
}
interface Truth {
  readonly commits: readonly TruthCommit[];
  readonly tags: string[];
  readonly plus: Readonly<Record<string, Runs>>;
  readonly minus: Readonly<Record<string, Runs>>;
  readonly struct: readonly { commits: readonly string[] }[];
}

/**
 * make_case.py pairs a release branch's commits with upstream's by their subjects; "po: update translations" is then some other year's.
 * Writes the case anew with a truth in which such a commit is the vendor's own, and gives the pairs that were parted.
 */
export async function pairedByContent(folder: string, out: string): Promise<readonly Pair[]> {
  const truth = JSON.parse(await readFile(join(folder, 'truth.json'), 'utf8')) as Truth;
  const doubtful = truth.commits.filter(({ in_candidates, patch_ids }) => in_candidates && patch_ids.length > 1);
  if (doubtful.length === 0) return [];
  const candidates = await candidatesOf(folder, new Set(doubtful.map(({ id }) => id)));
  for (const side of ['a', 'b']) {
    await mkdir(join(out, side), { recursive: true });
    await run('tar', ['-xf', join(folder, `${side}.tar`), '-C', join(out, side), '--strip-components=1']);
  }
  const shared = await sharedLines(out, truth, candidates);
  const parted = doubtful
    .map(({ id, subject }) => ({ id, subject, ...(shared.get(id) ?? { lines: 0, shared: 0 }) }))
    .filter((pair) => pair.lines >= fewLines && pair.shared < leastShare * pair.lines);
  if (parted.length === 0) return [];
  for (const name of ['a.tar', 'b.tar']) await copyFile(join(folder, name), join(out, name));
  await writeFile(join(out, 'truth.json'), JSON.stringify(without(truth, new Set(parted.map(({ id }) => id)))));
  return parted;
}

async function candidatesOf(folder: string, ids: ReadonlySet<string>): Promise<Map<string, Candidate>> {
  const mails = (await readFile(join(folder, 'candidates.mbox'), 'latin1')).split(/^(?=From [0-9a-f]{40} )/m);
  const wanted = mails.filter((mail) => ids.has(mail.slice(5, 45)));
  return new Map(wanted.map((mail) => [mail.slice(5, 45), parseMail(mail)]));
}

/** Of each candidate: how many of the lines that are held to be its it has, each as often as it has it. */
async function sharedLines(
  trees: string,
  truth: Truth,
  candidates: ReadonlyMap<string, Candidate>,
): Promise<Map<string, { lines: number; shared: number }>> {
  const left = new Map([...candidates].map(([id, candidate]) => [id, changedLines(candidate)]));
  const sums = new Map<string, { lines: number; shared: number }>();
  for (const [sign, files, side] of [
    ['+', truth.plus, 'b'],
    ['-', truth.minus, 'a'],
  ] as const) {
    for (const [path, runs] of Object.entries(files)) {
      const asked = runs.filter(([, , tag]) => left.has(truth.tags[tag] ?? ''));
      if (asked.length === 0) continue;
      const text = (await readFile(join(trees, side, path), 'latin1')).split('\n');
      for (const [first, last, tag] of asked) {
        const id = truth.tags[tag] ?? '';
        const sum = sums.get(id) ?? { lines: 0, shared: 0 };
        sums.set(id, sum);
        for (const line of text.slice(first - 1, last)) {
          if (!tells(line)) continue;
          const key = keyOf(sign, path, line);
          const known = left.get(id)?.get(key) ?? 0;
          sum.lines += 1;
          if (known === 0) continue;
          sum.shared += 1;
          left.get(id)?.set(key, known - 1);
        }
      }
    }
  }
  return sums;
}

/** The lines that a candidate adds and removes, by the names of their files: folders move between branches. */
function changedLines({ files }: Candidate): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { from, to, hunks } of files) {
    for (const { signs, lines } of hunks) {
      for (const [at, line] of lines.entries()) {
        const sign = signs[at];
        if (sign !== '+' && sign !== '-') continue;
        const key = keyOf(sign, (sign === '+' ? to : from) ?? '', line);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
  }
  return counts;
}

const tells = (line: string): boolean => /\w\W*\w\W*\w\W*\w/.test(line);
const keyOf = (sign: '+' | '-', path: string, line: string): string =>
  `${sign}${basename(path)}\0${line.trim().replace(/\s+/g, ' ')}`;

/** The truth in which commits are the vendor's own. */
function without(truth: Truth, parted: ReadonlySet<string>): Truth {
  const owners = new Map(truth.commits.map(({ id, vendor }) => [id, parted.has(id) ? `vendor:${vendor}` : id]));
  const ownerOf = (id: string): string => owners.get(id) ?? id;
  return {
    ...truth,
    commits: truth.commits.map((commit) =>
      parted.has(commit.id) ? { ...commit, id: ownerOf(commit.id), in_candidates: false } : commit,
    ),
    tags: truth.tags.map(ownerOf),
    struct: truth.struct.map((one) => ({ ...one, commits: one.commits.map(ownerOf) })),
  };
}
