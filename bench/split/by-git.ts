import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type ListedMail, listedMails } from './listed-mails.js';

const timeoutMs = 30 * 60_000;
/** As timeout(1) ends what it ended. */
const timedOut = 124;
const run = promisify(execFile);
/** Nothing of it is to follow from this machine's own settings, nor be cleared away while it runs. */
const settings = ['user.name=x', 'user.email=x@example.org', 'gc.auto=0', 'core.autocrlf=false'].flatMap((one) => [
  '-c',
  one,
]);

export interface ByGit {
  /** Where repositories are whose objects a three-way merge may need. */
  readonly repos: string;
  /** How long it may apply; what it has applied by then is what it is judged by. */
  readonly limitSec: number;
}

/** How it went: `applying` is git's work alone, without unpacking the two sources. */
export interface Applied {
  readonly applyingSec: number;
  readonly peakMb: number;
  /** It was ended at the limit. */
  readonly isCut: boolean;
}

/** Applies the mails one after the other to the repository at hand, and skips those that don't apply. */
export type Applying = (at: CaseRepository, mails: readonly ListedMail[]) => Promise<void>;

/**
 * What git alone makes of a case: the candidates that the changelog names, in its order, as far as they apply; what lacks at the end is one
 * remainder.
 */
export async function splitByGit(folder: string, out: string, applying: Applying, options: ByGit): Promise<Applied> {
  await mkdir(out, { recursive: true });
  const { git } = new CaseRepository(out, Number.POSITIVE_INFINITY);
  await git('init', '--quiet');
  await writeFile(join(out, '.git/objects/info/alternates'), await objectFolders(options.repos));
  const treeOf = async (tar: string): Promise<string> => {
    await git('rm', '-rfq', '--ignore-unmatch', '.');
    await run('tar', ['-xf', join(folder, tar), '-C', out, '--strip-components=1']);
    await git('add', '--all', '--force');
    return await git('write-tree');
  };
  const target = await treeOf('b.tar');
  await treeOf('a.tar');
  await git('commit', '--quiet', '--allow-empty', '--message', 'A');
  await git('clean', '-fdxq');
  const mails = await listedMails(folder);
  const repository = new CaseRepository(out, options.limitSec);
  await applying(repository, mails);
  const applied = await repository.measured();
  const rest = await git('commit-tree', target, '-p', 'HEAD', '-m', 'The rest\n\nRemainder: all');
  await git('update-ref', 'HEAD', rest);
  return applied;
}

/** The repository of a case that git splits, with the time that it has for that. */
export class CaseRepository {
  private readonly started = performance.now();
  private isCut = false;

  constructor(
    readonly folder: string,
    private readonly limitSec: number,
  ) {}

  /** Not measured, and not bounded by the limit. */
  readonly git = async (...args: string[]): Promise<string> => {
    const all = ['-C', this.folder, ...settings, ...args];
    const { stdout } = await run('git', all, { timeout: timeoutMs, maxBuffer: 2 ** 28 });
    return stdout.trim();
  };

  /** Writes a file beside the objects, where no source of the case is. */
  async keep(name: string, text: string): Promise<string> {
    const file = join(this.folder, '.git', name);
    await writeFile(file, text, 'latin1');
    return file;
  }

  /** Runs git within what is left of the time, and says whether it succeeded. Told to end, it takes its locks away; what it had committed stays. */
  async bounded(...args: string[]): Promise<boolean> {
    const left = Math.max(1, Math.ceil(this.limitSec - this.seconds()));
    const measure = ['-f', '%M', '-a', '-o', join(this.folder, '.git/peaks')];
    const bounded = ['timeout', '--kill-after=10', String(left), 'git', '-C', this.folder, ...settings, ...args];
    const failure = await run('/usr/bin/time', [...measure, ...bounded], { maxBuffer: 2 ** 28 }).then(
      () => undefined,
      (error: { code?: unknown }) => error,
    );
    if (failure?.code === timedOut) this.isCut = true;
    return failure === undefined;
  }

  /** Whether no time is left for what is to be done still. */
  isOver(): boolean {
    if (this.seconds() >= this.limitSec) this.isCut = true;
    return this.isCut;
  }

  async measured(): Promise<Applied> {
    const applyingSec = this.seconds();
    const peaks = await readFile(join(this.folder, '.git/peaks'), 'utf8').catch(() => '');
    const kilobytes = peaks.match(/^\d+$/gm) ?? [];
    return { applyingSec, peakMb: Math.max(0, ...kilobytes.map(Number)) / 1024, isCut: this.isCut };
  }

  private seconds(): number {
    return (performance.now() - this.started) / 1000;
  }
}

async function objectFolders(repos: string): Promise<string> {
  const folders: string[] = [];
  for (const name of repos === '' ? [] : await readdir(repos)) {
    for (const inner of ['.git/objects', 'repo/objects', 'objects']) {
      const objects = join(resolve(repos), name, inner);
      if ((await stat(objects).catch(() => undefined))?.isDirectory() === true) folders.push(`${objects}\n`);
    }
  }
  return folders.join('');
}
