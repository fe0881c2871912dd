import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beginsMessage, type Candidate, CandidateError, parseMail, type StepKeys } from '#libs/patchsplit';
import { foreignCommits, TreeError } from '#libs/trees';
import { KeptIndex } from './kept-index.js';
import { messagesIn } from './messages-in.js';
import { patchesOf } from './repository-patches.js';
import { Skipped } from './skipped.js';

const maxPatchFiles = 200_000;
const maxCandidates = 200_000;

/** The step that candidates are wanted for. */
export interface WantedStep {
  /** Whether a candidate that was read can matter. */
  isRelevant(candidate: Candidate): boolean;
  /** What an index of many commits is asked with; made when one is there. */
  keys(): Promise<StepKeys>;
}

export interface ReadCandidates {
  readonly candidates: readonly Candidate[];
  /** What was given and not used, with why. */
  readonly notices: readonly string[];
}

/**
 * Reads upstream commits from mailboxes, patch files, folders of them, and git repositories (`REPO#range`, or all of it). Only those
 * that can matter are kept; the same commit given twice counts once.
 */
export async function readCandidates(
  sources: readonly string[],
  step: WantedStep,
  onProgress: (read: number) => void,
): Promise<ReadCandidates> {
  const kept = new Map<string, Candidate>();
  const notices: string[] = [];
  let read = 0;
  for (const source of sources) {
    const skipped = new Skipped(source);
    let usable = 0;
    for await (const message of messagesOf(source, { step, skipped, onProgress: () => onProgress((read += 1)) })) {
      onProgress((read += 1));
      const candidate = parsed(message, skipped);
      if (!candidate) continue;
      usable += 1;
      if (!step.isRelevant(candidate) || kept.size >= maxCandidates) continue;
      const { id = `${source} ${usable}`, author, subject } = candidate;
      kept.set(candidate.id ?? `${id} ${author.at.getTime()} ${subject}`, candidate);
    }
    if (usable === 0) skipped.add('no patch in it could be used');
    notices.push(...skipped.notices());
  }
  if (kept.size >= maxCandidates) notices.push(`only the first ${maxCandidates} candidates were looked at`);
  return { candidates: [...kept.values()], notices };
}

function parsed(message: string, skipped: Skipped): Candidate | undefined {
  try {
    return parseMail(message);
  } catch (error) {
    if (!(error instanceof CandidateError)) throw error;
    const first = /^Subject: .*$/m.exec(message.slice(0, 4096))?.[0] ?? message.slice(0, 60).split('\n', 1)[0];
    // A commit that changes no file, or only a submodule, is nothing to complain of.
    if (error.code !== 'no-patch' || !beginsMessage(message.slice(0, 400))) {
      skipped.add(`left out ${JSON.stringify(first)}: ${error.message}`);
    }
    return undefined;
  }
}

interface Reading {
  readonly step: WantedStep;
  readonly skipped: Skipped;
  readonly onProgress: () => void;
}

async function* messagesOf(source: string, reading: Reading): AsyncGenerator<string> {
  const { skipped } = reading;
  const hash = source.lastIndexOf('#');
  const whole = await stat(source).catch(() => undefined);
  const path = whole || hash < 0 ? source : source.slice(0, hash);
  const there = whole ?? (await stat(path).catch(() => undefined));
  if (!there)
    throw new Error(`there are no candidates at ${path}: give an mbox, a folder of patches or a git repository`);
  if (!there.isDirectory()) {
    yield* messagesIn(createReadStream(path), skipped);
    return;
  }
  const gitDir = await gitDirOf(path);
  if (gitDir !== undefined) {
    yield* repositoryMessages(gitDir, whole ? undefined : source.slice(hash + 1), reading);
    return;
  }
  for (const file of (await readdir(path, { recursive: true })).sort().slice(0, maxPatchFiles)) {
    const inside = join(path, file);
    if (!(await stat(inside)).isFile() || basename(file).startsWith('.')) continue;
    yield* messagesIn(createReadStream(inside), skipped);
  }
}

/** Of a range every commit; of a whole repository those that its index says may matter. */
async function* repositoryMessages(
  gitDir: string,
  range: string | undefined,
  reading: Reading,
): AsyncGenerator<string> {
  const { skipped } = reading;
  try {
    const ids = range === undefined ? await promising(gitDir, reading) : await inRange(gitDir, range, skipped);
    for await (const { message } of patchesOf(gitDir, ids, 'whole', skipped)) if (message !== undefined) yield message;
  } catch (error) {
    if (!(error instanceof TreeError)) throw error;
    skipped.add(`the repository could not be read to its end: ${error.message.slice(0, 300)}`);
  }
}

async function inRange(gitDir: string, range: string, skipped: Skipped): Promise<readonly string[]> {
  const { ids, shallow } = await foreignCommits(gitDir, range);
  if (shallow.length > 0) skipped.tell('a shallow clone: commits before it are not known');
  return ids;
}

async function promising(gitDir: string, { step, skipped, onProgress }: Reading): Promise<readonly string[]> {
  const index = await KeptIndex.of(gitDir);
  const use = await index.promising(await step.keys(), skipped, onProgress);
  skipped.tell(
    `an index of ${use.commits} commits (${use.added} of them new) was asked; ${use.promising.length} were read in full`,
  );
  return use.promising;
}

async function gitDirOf(folder: string): Promise<string | undefined> {
  for (const gitDir of [join(folder, '.git'), folder]) {
    const [head, objects] = await Promise.all(
      ['HEAD', 'objects'].map((name) => stat(join(gitDir, name)).catch(() => undefined)),
    );
    if (head?.isFile() === true && objects?.isDirectory() === true) return gitDir;
  }
  return undefined;
}
