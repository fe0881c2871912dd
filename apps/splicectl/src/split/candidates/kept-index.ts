import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  type Candidate,
  CandidateError,
  type CommitIndex,
  decodeIndex,
  encodeIndex,
  IndexBuilder,
  parseMail,
  type StepKeys,
} from '#libs/patchsplit';
import { foreignCommits, foreignTips } from '#libs/trees';
import { patchesOf } from './repository-patches.js';
import type { Skipped } from './skipped.js';

/** A part of the index is written when it has so many lines (a quarter of the bytes) or commits: that much of a build survives its end. */
const maxPartLines = 8_000_000;
const maxPartCommits = 50_000;
const schema = 1;

/** What is on the disk: parts by the digest of their bytes, oldest first, and what the repository pointed at when they were whole. */
interface Manifest {
  readonly schema: typeof schema;
  readonly tips: readonly string[];
  readonly parts: readonly string[];
}

export interface IndexUse {
  readonly commits: number;
  readonly added: number;
  readonly promising: readonly string[];
}

/**
 * An index over all commits of a repository, kept in the user's cache folder: built when it is first needed, appended to when the
 * repository has more commits, and read part by part.
 */
export class KeptIndex {
  private constructor(
    private readonly gitDir: string,
    private readonly folder: string,
  ) {}

  static async of(gitDir: string): Promise<KeptIndex> {
    const cache = process.env['XDG_CACHE_HOME'] ?? '';
    const name = createHash('sha256')
      .update(await realpath(gitDir))
      .digest('hex')
      .slice(0, 32);
    return new KeptIndex(gitDir, join(cache === '' ? join(homedir(), '.cache') : cache, 'splicecast/commits', name));
  }

  /** Brings the index up to date and asks it which commits may be in a step. @throws TreeError */
  async promising(keys: StepKeys, skipped: Skipped, onProgress: (done: number) => void): Promise<IndexUse> {
    const tips = await foreignTips(this.gitDir);
    const manifest = await this.manifest();
    const promising: string[] = [];
    const known = new Set<string>();
    const parts: string[] = [];
    const take = (index: CommitIndex): void => {
      for (const id of index.ids) known.add(id);
      promising.push(...keys.promising(index));
    };
    for (const part of manifest.parts) {
      const index = await this.part(part);
      // Without its part the commits in it are new again.
      if (!index) continue;
      parts.push(part);
      take(index);
    }
    const isCurrent = parts.length === manifest.parts.length && manifest.tips.join() === tips.join();
    if (isCurrent) return { commits: known.size, added: 0, promising };
    const before = known.size;
    const { ids, shallow } = await foreignCommits(this.gitDir);
    const fresh = ids.filter((id) => !known.has(id));
    if (shallow.length > 0) skipped.tell(`a shallow clone: nothing before ${shallow.length} of its commits is known`);
    for await (const index of this.read(fresh, skipped, onProgress)) {
      take(index);
      parts.push(await this.write(index));
      await this.writeManifest({ schema, tips: [], parts });
    }
    await this.writeManifest({ schema, tips, parts });
    return { commits: known.size, added: known.size - before, promising };
  }

  private async *read(
    ids: readonly string[],
    skipped: Skipped,
    onProgress: (done: number) => void,
  ): AsyncGenerator<CommitIndex> {
    let builder = new IndexBuilder();
    let done = 0;
    for await (const { id, message } of patchesOf(this.gitDir, ids, 'changed-lines', skipped)) {
      builder.add(id, message === undefined ? undefined : candidateIn(message));
      onProgress((done += 1));
      if (builder.size < maxPartLines && builder.commits < maxPartCommits) continue;
      yield builder.build();
      builder = new IndexBuilder();
    }
    if (builder.commits > 0) yield builder.build();
  }

  private async manifest(): Promise<Manifest> {
    const none: Manifest = { schema, tips: [], parts: [] };
    try {
      const read = JSON.parse(await readFile(join(this.folder, 'index.json'), 'utf8')) as Partial<Manifest>;
      const isOurs = read.schema === schema && Array.isArray(read.tips) && Array.isArray(read.parts);
      return isOurs ? { ...none, ...read } : none;
    } catch {
      return none;
    }
  }

  private async part(name: string): Promise<CommitIndex | undefined> {
    if (!/^[0-9a-f]{32}$/.test(name)) return undefined;
    const bytes = await readFile(join(this.folder, name)).catch(() => undefined);
    return bytes && decodeIndex(bytes);
  }

  private async write(index: CommitIndex): Promise<string> {
    const bytes = encodeIndex(index);
    const name = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
    await this.put(name, bytes);
    return name;
  }

  private async writeManifest(manifest: Manifest): Promise<void> {
    await this.put('index.json', `${JSON.stringify(manifest)}\n`);
  }

  /** Whole or not at all: another run may read it. A folder that can't be written to costs the next run its time, nothing else. */
  private async put(name: string, content: string | Buffer): Promise<void> {
    const draft = join(this.folder, `.${name}.${randomUUID()}`);
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await writeFile(draft, content, { mode: 0o600 });
      await rename(draft, join(this.folder, name));
    } catch {
      await rm(draft, { force: true }).catch(() => undefined);
    }
  }
}

function candidateIn(message: string): Candidate | undefined {
  try {
    return parseMail(message);
  } catch (error) {
    if (!(error instanceof CandidateError)) throw error;
    return undefined;
  }
}
