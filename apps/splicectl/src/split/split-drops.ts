import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { ArchiveError, type ArchiveErrorCode, openSourceDrop, type SourceDrop } from '#libs/archive';
import type { GitId } from '#libs/contracts';
import {
  type Changelog,
  changelogStep,
  parseChangelog,
  relevance,
  type ReportedSource,
  reportJson,
  reportOf,
  reportPage,
  type SplitReport,
  type SplitResult,
  splitTrees,
  type StepItem,
  stepKeys,
} from '#libs/patchsplit';
import { type CommitText, GitTreeStore, type TreeStore, writeArchive, type WrittenTree } from '#libs/trees';
import type { Progress } from './progress-bar.js';
import { doubtsOfChangelog, doubtsOfFindings, doubtsOfSources } from './doubts.js';
import { readCandidates } from './candidates/read-candidates.js';

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

/** What was found, and how long it took: the report has no times, so that the same input gives the same bytes. */
export interface FinishedSplit {
  readonly report: SplitReport;
  readonly timings: {
    readonly fromMs: number;
    readonly toMs: number;
    readonly splitMs: number;
    readonly reportMs: number;
    readonly totalMs: number;
  };
}

interface UnpackedDrop {
  readonly source: ReportedSource;
  readonly tree: GitId;
  readonly changelog?: string | undefined;
  readonly notices: readonly string[];
}

const maxChangelogBytes = 32 * 2 ** 20;
const damaged = ': it is incomplete or damaged; fetch it again and compare its checksum';
const adviceOn: Readonly<Partial<Record<ArchiveErrorCode, string>>> = { truncated: damaged, malformed: damaged };
const nobody = { name: 'Splicecast', email: 'splicecast@localhost' };

/**
 * Unpacks both sources into a new repository, splits the step between them and reports. The repository appears under its name when
 * it is whole, and its report beside it: REPO.report.json, and REPO.report.html for people.
 */
export async function splitDrops(
  request: SplitRequest,
  onProgress: (progress: Progress) => void,
): Promise<FinishedSplit> {
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
    await trees.setRef('refs/heads/main', split.commits.at(-1)?.commit ?? '');
    const ended = Date.now();
    onProgress({ phase: 'report', done: 0, total: 1 });
    const notices = [...from.notices, ...to.notices];
    const report = await reportOf({ trees, split, from: from.source, to: to.source, notices });
    await rename(draft, out);
    await writeFile(`${out}.report.json`, reportJson(report));
    await writeFile(`${out}.report.html`, reportPage(report));
    const reported = Date.now();
    return {
      report,
      timings: {
        fromMs: unpackedFrom - started,
        toMs: unpackedTo - unpackedFrom,
        splitMs: ended - unpackedTo,
        reportMs: reported - ended,
        totalMs: reported - started,
      },
    };
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
  const { drop, written } = await readDrop(trees, path, (files) => onProgress({ phase, done: files, total: 0 }));
  const { version, changelog, notices } = drop.summary();
  return {
    source: {
      version: version === '' ? await makefileVersion(trees, written.tree) : version,
      tree: written.tree,
      file: basename(path),
      format: drop.format,
      files: written.files,
      bytes: written.bytes,
    },
    tree: written.tree,
    changelog: changelog?.text,
    notices,
  };
}

/** @throws ArchiveError that names the file, and says what to do */
async function readDrop(
  trees: TreeStore,
  path: string,
  onFiles: (files: number) => void,
): Promise<{ readonly drop: SourceDrop; readonly written: WrittenTree }> {
  try {
    const drop = await openSourceDrop(path);
    return { drop, written: await writeArchive(trees, drop.entries, ({ files }) => onFiles(files)) };
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw new ArchiveError(error.code, `${path}: ${error.message}${adviceOn[error.code] ?? ''}`, { cause: error });
  }
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
  const { changelogFile } = request;
  const changelog = changelogFile === undefined ? ofPackage(to.changelog) : await readChangelog(changelogFile);
  const fromVersion = request.fromVersion ?? from.source.version;
  const toVersion = request.toVersion ?? to.source.version;
  const items: StepItem[] = changelog ? changelogStep(changelog, fromVersion || undefined, toVersion || undefined) : [];
  const base = from.tree;
  const earlier = changelog && fromVersion !== '' ? changelogStep(changelog, undefined, fromVersion) : [];
  const root = rootOf(from, changelog, fromVersion);
  const target = to.tree;
  const known = { changelog: items, earlier: earlier.map(({ subject }) => subject) };
  const { candidates = [] } = request;
  const doubts = [
    ...(await doubtsOfSources(trees, base, target)),
    ...doubtsOfChangelog({ changelog, items, from: fromVersion, to: toVersion, hasCandidates: candidates.length > 0 }),
  ];
  if (candidates.length === 0) {
    const split = await splitTrees({ trees, base, target, ...known, root, onProgress });
    return { ...split, notices: [...doubts, ...doubtsOfFindings(split.counts), ...split.notices] };
  }
  const changes = await trees.diff(base, target);
  const wanted = { isRelevant: relevance(changes, items), keys: () => stepKeys(trees, changes, items) };
  const read = await readCandidates(candidates, wanted, (done) =>
    onProgress({ phase: 'read candidates', done, total: 0 }),
  );
  const split = await splitTrees({ trees, base, target, ...known, candidates: read.candidates, root, onProgress });
  return { ...split, notices: [...doubts, ...doubtsOfFindings(split.counts), ...read.notices, ...split.notices] };
}

function ofPackage(text: string | undefined): Changelog | undefined {
  return text === undefined ? undefined : parseChangelog(text);
}

/** @throws Error that names the file */
async function readChangelog(file: string): Promise<Changelog> {
  try {
    const bytes = await readFile(file);
    const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const plain = packed ? await promisify(gunzip)(bytes, { maxOutputLength: maxChangelogBytes }) : bytes;
    return parseChangelog(plain.toString('utf8'));
  } catch (error) {
    throw new Error(`the changelog ${file} can't be read: ${(error as Error).message}`, { cause: error });
  }
}

/** The first commit's text: the release it is, by whoever closed it. */
function rootOf(from: UnpackedDrop, changelog: Changelog | undefined, version: string): CommitText {
  const entry = changelog?.entries.find((one) => one.version === version);
  const at = new Date(entry?.at ?? changelog?.entries.at(-1)?.at ?? 0);
  return {
    author: { ...(entry?.author ?? nobody), at },
    message: `${version === '' ? (from.source.file ?? '') : `Linux ${version}`}\n\nSource: ${from.source.file ?? ''}\n`,
  };
}
