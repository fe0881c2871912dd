import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { GitId } from '#libs/contracts';
import { parseDiff, unquoted } from '#libs/series';
import { readBlobs } from './blobs.js';
import { Git, GitFailure } from './git.js';
import { listTree } from './listing.js';
import { ObjectReader } from './object-reader.js';
import { type CommitDiff, type SeriesEntry, type StoredSeries, TreeError, type TreeFile } from './port.js';

const maxCommits = 100_000;
const maxLogBytes = 256 * 2 ** 20;
const maxFileBytes = 64 * 2 ** 20;
/** Paths that an argument can give to git as they are: others are latin1 of bytes, an argument's are UTF-8. */
const plain = /^[\u0020-\u007e]+$/;

/** Reads a repository as `splicectl split` writes it: the first commit is a whole source tree, each further one a fix. */
export class SeriesReader implements StoredSeries {
  private objects: ObjectReader | undefined;

  private constructor(
    private readonly git: Git,
    private readonly root: GitId,
    private readonly head: GitId,
    readonly baseTree: GitId,
    readonly commits: readonly SeriesEntry[],
  ) {}

  /** Opens a bare repository or a clone of one, at HEAD. @throws TreeError `tree-not-found` if it is none. */
  static async open(folder: string): Promise<SeriesReader> {
    return await SeriesReader.at(new Git(await gitDirOf(resolve(folder))), 'HEAD');
  }

  /** Reads the commits that lead to `tip` from the commit `onto`, or from the root. @throws TreeError `tree-not-found` */
  static async at(git: Git, tip: string, onto?: GitId): Promise<SeriesReader> {
    try {
      const range = onto === undefined ? [tip] : [tip, `^${onto}`];
      const lines = await git.run([
        'rev-list',
        '--first-parent',
        '--reverse',
        `--max-count=${maxCommits + 1}`,
        ...range,
      ]);
      const after = lines.toString('latin1').split('\n').slice(0, -1);
      const ids = onto === undefined ? after : [onto, ...after];
      const [root = ''] = ids;
      const head = ids.at(-1) ?? root;
      if (ids.length > maxCommits) throw new TreeError('too-large', `a series of more than ${maxCommits} commits`);
      const tree = (await git.run(['rev-parse', `${root}^{tree}`])).toString('latin1').trim();
      return new SeriesReader(git, root, head, tree, ids.length > 1 ? await entriesOf(git, `${root}..${head}`) : []);
    } catch (error) {
      if (error instanceof GitFailure)
        throw new TreeError('tree-not-found', `${git.gitDir} holds no series of commits at ${tip}`);
      throw error;
    }
  }

  commitOf(name: string): GitId {
    const [found, second] = /^[0-9a-f]{7,40}$/.test(name)
      ? this.commits.filter(({ commit }) => commit.startsWith(name))
      : [];
    if (found && !second) return found.commit;
    throw new TreeError('commit-not-found', `the series has ${found ? 'several commits' : 'no commit'} ${name}`);
  }

  async readFile(tree: GitId, path: string): Promise<Buffer | undefined> {
    this.objects ??= new ObjectReader(this.git, maxFileBytes);
    return await this.objects.read(`${tree}:${path}`);
  }

  async *files(tree: GitId, wanted: (path: string) => boolean): AsyncGenerator<TreeFile> {
    const entries = (await listTree(this.git, tree)).filter(({ path, mode }) => mode !== '120000' && wanted(path));
    let at = 0;
    const blobs = entries.map(({ blob }) => blob);
    for await (const content of readBlobs(this.git, blobs, maxFileBytes)) {
      yield { path: entries[at]?.path ?? '', content };
      at += 1;
    }
  }

  async diffs(path?: string): Promise<readonly CommitDiff[]> {
    if (this.root === this.head) return [];
    const args = ['log', '--first-parent', '--reverse', '-p', '-U0', '--no-renames', '--no-color', '--no-ext-diff'];
    const isPlain = path === undefined || plain.test(path);
    args.push('--format=%x00%H', `${this.root}..${this.head}`, ...(path !== undefined && isPlain ? ['--', path] : []));
    const output = await this.git.run(args, { maxBytes: maxLogBytes });
    const all = records(output).map((record) => ({
      commit: record.subarray(0, 40).toString('latin1'),
      diff: record.subarray(41),
    }));
    if (isPlain) return all;
    return all.map(({ commit, diff }) => ({ commit, diff: partOf(diff, path) })).filter(({ diff }) => diff.length > 0);
  }

  async close(): Promise<void> {
    await this.objects?.close();
  }
}

async function gitDirOf(folder: string): Promise<string> {
  for (const candidate of [join(folder, '.git'), folder]) {
    const found = await access(join(candidate, 'HEAD')).then(
      () => true,
      () => false,
    );
    if (found) return candidate;
  }
  throw new TreeError('tree-not-found', `${folder} is no git repository`);
}

async function entriesOf(git: Git, range: string): Promise<SeriesEntry[]> {
  const format = '%x00%H %T%n%s%n%(trailers:key=Remainder,valueonly,separator=%x20)';
  const args = ['log', '--first-parent', '--reverse', '--no-renames', '--name-only', `--format=${format}`, range];
  return records(await git.run(args, { maxBytes: maxLogBytes })).map((record) => {
    const [ids = '', subject = '', remainder = '', ...names] = record.toString('latin1').split('\n');
    return {
      commit: ids.slice(0, 40),
      tree: ids.slice(41),
      subject: utf8(subject),
      ...(remainder === '' ? {} : { remainder: utf8(remainder) }),
      paths: names.filter((name) => name !== '').map((name) => unquoted(name)),
    };
  });
}

/** What a diff changes in one file. */
function partOf(diff: Buffer, path: string): Buffer {
  const files = diff.toString('latin1').split(/^(?=diff --git )/m);
  const its = files.filter((file) => parseDiff(Buffer.from(file, 'latin1'))[0]?.path === path);
  return Buffer.from(its.join(''), 'latin1');
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

/**
 * The pieces of a log after each NUL at a line's beginning. A source file may hold a NUL too, but in a diff its line begins
 * with a sign.
 */
function records(output: Buffer): Buffer[] {
  const starts: number[] = [];
  for (let at = output.indexOf(0); at >= 0; at = output.indexOf(0, at + 1)) {
    if (at === 0 || output[at - 1] === 10) starts.push(at + 1);
  }
  return starts.map((start, i) => output.subarray(start, (starts[i + 1] ?? output.length + 1) - 1));
}
