import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beginsMessage, type Candidate, CandidateError, parseMail } from '#libs/patchsplit';
import { foreignLog, TreeError } from '#libs/trees';

/** A patch of more is named and left out. */
const maxMessageBytes = 128 * 2 ** 20;
const maxPatchFiles = 200_000;
const maxCandidates = 200_000;
const maxNoticesEach = 20;

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
  isRelevant: (candidate: Candidate) => boolean,
  onProgress: (read: number) => void,
): Promise<ReadCandidates> {
  const kept = new Map<string, Candidate>();
  const notices: string[] = [];
  let read = 0;
  for (const source of sources) {
    const skipped = new Skipped(source);
    let usable = 0;
    for await (const message of messagesOf(source, skipped)) {
      onProgress((read += 1));
      const candidate = parsed(message, skipped);
      if (!candidate) continue;
      usable += 1;
      if (!isRelevant(candidate) || kept.size >= maxCandidates) continue;
      const { id = `${source} ${usable}`, author, subject } = candidate;
      kept.set(candidate.id ?? `${id} ${author.at.getTime()} ${subject}`, candidate);
    }
    if (usable === 0) skipped.add('no patch in it could be used');
    notices.push(...skipped.notices());
  }
  if (kept.size >= maxCandidates) notices.push(`only the first ${maxCandidates} candidates were looked at`);
  return { candidates: [...kept.values()], notices };
}

/** Says what was left out, without a line for each of ten thousand. */
class Skipped {
  private readonly reasons: string[] = [];
  private count = 0;

  constructor(private readonly source: string) {}

  add(reason: string): void {
    this.count += 1;
    if (this.reasons.length < maxNoticesEach) this.reasons.push(reason);
  }

  notices(): string[] {
    const more = this.count - this.reasons.length;
    return [
      ...this.reasons.map((reason) => `candidates ${this.source}: ${reason}`),
      ...(more > 0 ? [`candidates ${this.source}: ${more} more were left out`] : []),
    ];
  }
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

async function* messagesOf(source: string, skipped: Skipped): AsyncGenerator<string> {
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
    yield* loggedMessages(gitDir, whole ? undefined : source.slice(hash + 1), skipped);
    return;
  }
  for (const file of (await readdir(path, { recursive: true })).sort().slice(0, maxPatchFiles)) {
    const inside = join(path, file);
    if (!(await stat(inside)).isFile() || basename(file).startsWith('.')) continue;
    yield* messagesIn(createReadStream(inside), skipped);
  }
}

/** A repository that breaks off (shallow, an object missing) gives what it has. */
async function* loggedMessages(gitDir: string, range: string | undefined, skipped: Skipped): AsyncGenerator<string> {
  try {
    yield* messagesIn(foreignLog(gitDir, range), skipped);
  } catch (error) {
    if (!(error instanceof TreeError)) throw error;
    skipped.add(`the repository could not be read to its end: ${error.message.slice(0, 300)}`);
  }
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

/** Cuts a stream into the messages of an mbox; a file without `From ` lines is one message. Bytes as latin1. */
async function* messagesIn(chunks: AsyncIterable<Buffer>, skipped: Skipped): AsyncGenerator<string> {
  let message: string[] = [];
  let size = 0;
  let rest = '';
  const taken = (): string | undefined => {
    if (size > maxMessageBytes) skipped.add(`a patch of more than ${maxMessageBytes} bytes`);
    const text = size > maxMessageBytes ? '' : message.join('');
    message = [];
    size = 0;
    return text === '' ? undefined : text;
  };
  for await (const chunk of chunks) {
    const text = rest + chunk.toString('latin1');
    let from = 0;
    // Only a line break before `From ` can begin a message: whole chunks are searched, not every line.
    for (let at = -1; (at = text.indexOf('\nFrom ', at + 1)) >= 0;) {
      const end = text.indexOf('\n', at + 1);
      if (end < 0 || !beginsMessage(text.slice(at + 1, end))) continue;
      add(text.slice(from, at + 1));
      const whole = taken();
      if (whole !== undefined) yield whole;
      from = at + 1;
    }
    // A `From ` line may be cut by the chunk's end.
    const keep = Math.max(from, text.lastIndexOf('\n'));
    add(text.slice(from, keep));
    rest = text.slice(keep);
  }
  add(rest);
  const whole = taken();
  if (whole !== undefined) yield whole;

  function add(piece: string): void {
    size += piece.length;
    if (size <= maxMessageBytes) message.push(piece);
    else message = [];
  }
}
