import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { openSourceDrop } from '#libs/archive';
import type { GitId, SeriesCommit } from '#libs/contracts';
import {
  type Changelog,
  changelogStep,
  parseChangelog,
  relevance,
  type SplitCounts,
  type SplitResult,
  splitTrees,
  type StepItem,
} from '#libs/patchsplit';
import { type CommitText, GitTreeStore, type TreeStore, writeArchive } from '#libs/trees';
import type { Progress } from './progress-bar.js';
import { readCandidates } from './read-candidates.js';

export interface SplitRequest {
  /** Folders or files. */
  readonly from: string;
  readonly to: string;
  /** The repository to make; must not exist, or be an empty folder. */
  readonly out: string;
  readonly changelogFile?: string | undefined;
  /** Mailboxes, folders of patches, git repositories (`REPO#range`). */
  readonly candidates?: readonly string[] | undefined;
  readonly fromVersion?: string | undefined;
  readonly toVersion?: string | undefined;
}

interface DropReport {
  readonly file: string;
  readonly format: string;
  readonly version: string;
  readonly tree: GitId;
  readonly files: number;
  readonly bytes: number;
}

/** What REPO.report.json holds. */
export interface SplitReport {
  readonly schema: 1;
  readonly from: DropReport;
  readonly to: DropReport;
  readonly counts: SplitCounts;
  readonly proof: SplitResult['proof'];
  /** The last commit; `main` points at it. */
  readonly head: GitId;
  readonly commits: readonly SeriesCommit[];
  readonly remainders: readonly Pick<SeriesCommit, 'commit' | 'label' | 'paths' | 'insertions' | 'deletions'>[];
  readonly notices: readonly string[];
  readonly timings: {
    readonly fromMs: number;
    readonly toMs: number;
    readonly splitMs: number;
    readonly totalMs: number;
  };
}

interface UnpackedDrop extends DropReport {
  readonly changelog?: string | undefined;
  readonly notices: readonly string[];
}

const maxChangelogBytes = 32 * 2 ** 20;
const nobody = { name: 'Splicecast', email: 'splicecast@localhost' };

/**
 * Unpacks both sources into a new repository and splits the step between them. The repository appears under its name when it is
 * whole.
 */
export async function splitDrops(
  request: SplitRequest,
  onProgress: (progress: Progress) => void,
): Promise<SplitReport> {
  const out = resolve(request.out);
  await needFree(out);
  await mkdir(dirname(out), { recursive: true });
  const draft = await mkdtemp(join(dirname(out), `.${basename(out)}.`));
  try {
    const trees = new GitTreeStore(draft);
    const started = Date.now();
    const from = await unpack(trees, request.from, 'unpack older', onProgress);
    const unpackedFrom = Date.now();
    const to = await unpack(trees, request.to, 'unpack newer', onProgress);
    const unpackedTo = Date.now();
    const split = await splitStep(trees, { request, from, to, onProgress });
    const head = split.commits.at(-1)?.commit ?? '';
    await trees.setRef('refs/heads/main', head);
    const ended = Date.now();
    const report = reportOf(from, to, split, {
      fromMs: unpackedFrom - started,
      toMs: unpackedTo - unpackedFrom,
      splitMs: ended - unpackedTo,
      totalMs: ended - started,
    });
    await rename(draft, out);
    await writeFile(`${out}.report.json`, `${JSON.stringify(report, null, 2)}\n`);
    return report;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function needFree(out: string): Promise<void> {
  const there = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (there.length > 0) throw new Error(`${out} is there already, and not empty: name another --out`);
}

async function unpack(
  trees: TreeStore,
  path: string,
  phase: string,
  onProgress: (progress: Progress) => void,
): Promise<UnpackedDrop> {
  const drop = await openSourceDrop(path);
  const written = await writeArchive(trees, drop.entries, ({ files }) => onProgress({ phase, done: files, total: 0 }));
  const { version, changelog, notices } = drop.summary();
  return {
    file: basename(path),
    format: drop.format,
    version: version === '' ? await makefileVersion(trees, written.tree) : version,
    ...written,
    changelog: changelog?.text,
    notices,
  };
}

/** The kernel's own version, of its top Makefile, for sources that no package names. */
async function makefileVersion(trees: TreeStore, tree: GitId): Promise<string> {
  const text = (await trees.readFile(tree, 'Makefile'))?.toString('latin1').slice(0, 4096) ?? '';
  const part = (name: string): string | undefined => new RegExp(`^${name} = (\\d+)$`, 'm').exec(text)?.[1];
  const parts = [part('VERSION'), part('PATCHLEVEL'), part('SUBLEVEL')];
  return parts.includes(undefined) ? '' : parts.join('.');
}

interface Step {
  readonly request: SplitRequest;
  readonly from: UnpackedDrop;
  readonly to: UnpackedDrop;
  readonly onProgress: (progress: Progress) => void;
}

async function splitStep(trees: TreeStore, { request, from, to, onProgress }: Step): Promise<SplitResult> {
  const text = request.changelogFile === undefined ? to.changelog : await changelogText(request.changelogFile);
  const changelog = text === undefined ? undefined : parseChangelog(text);
  const fromVersion = request.fromVersion ?? from.version;
  const toVersion = request.toVersion ?? to.version;
  const items: StepItem[] = changelog ? changelogStep(changelog, fromVersion || undefined, toVersion || undefined) : [];
  const base = from.tree;
  const root = rootOf(from, changelog, fromVersion);
  const target = to.tree;
  const { candidates = [] } = request;
  if (candidates.length === 0) {
    return splitTrees({ trees, base, target, changelog: items, root, onProgress });
  }
  const isRelevant = relevance(await trees.diff(base, target), items);
  const read = await readCandidates(candidates, isRelevant, (done) =>
    onProgress({ phase: 'read candidates', done, total: 0 }),
  );
  const given = { candidates: read.candidates, changelog: items };
  const split = await splitTrees({ trees, base, target, ...given, root, onProgress });
  return { ...split, notices: [...read.notices, ...split.notices] };
}

async function changelogText(file: string): Promise<string> {
  const bytes = await readFile(file);
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const plain = packed ? await promisify(gunzip)(bytes, { maxOutputLength: maxChangelogBytes }) : bytes;
  return plain.toString('utf8');
}

/** The first commit's text: the release it is, by whoever closed it. */
function rootOf(from: UnpackedDrop, changelog: Changelog | undefined, version: string): CommitText {
  const entry = changelog?.entries.find((one) => one.version === version);
  const at = new Date(entry?.at ?? changelog?.entries.at(-1)?.at ?? 0);
  return {
    author: { ...(entry?.author ?? nobody), at },
    message: `${version === '' ? from.file : `Linux ${version}`}\n\nSource: ${from.file}\n`,
  };
}

function reportOf(
  from: UnpackedDrop,
  to: UnpackedDrop,
  { series, commits, counts, proof, notices }: SplitResult,
  timings: SplitReport['timings'],
): SplitReport {
  const remainders = series.commits.filter(({ kind }) => kind === 'remainder');
  return {
    schema: 1,
    from: dropReport(from),
    to: dropReport(to),
    counts,
    proof,
    head: commits.at(-1)?.commit ?? '',
    commits: series.commits,
    remainders: remainders.map(({ commit, label, paths, insertions, deletions }) => ({
      commit,
      label,
      paths,
      insertions,
      deletions,
    })),
    notices: [...from.notices, ...to.notices, ...notices],
    timings,
  };
}

function dropReport({ file, format, version, tree, files, bytes }: UnpackedDrop): DropReport {
  return { file, format, version, tree, files, bytes };
}
