import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beginsMessage, changelogStep, parseChangelog, subjectKeys } from '#libs/patchsplit';

const timeoutMs = 30 * 60_000;
/** As timeout(1) ends what it ended. */
const timedOut = 124;
const run = promisify(execFile);
/** Nothing of it is to follow from this machine's own settings, nor be cleared away while it runs. */
const settings = ['user.name=x', 'user.email=x@example.org', 'gc.auto=0', 'core.autocrlf=false'].flatMap((one) => [
  '-c',
  one,
]);

export interface GitAm {
  readonly threeWay: boolean;
  /** Where repositories are whose objects a three-way merge may need. */
  readonly repos: string;
  /** How long it may apply; what it has applied by then is what it is judged by. */
  readonly limitSec: number;
}

/** How it went: `applying` is `git am` alone, without unpacking the two sources. */
export interface Applied {
  readonly applyingSec: number;
  readonly peakMb: number;
  /** It was ended at the limit. */
  readonly isCut: boolean;
}

/**
 * What git alone makes of a case: the candidates that the changelog names, in its order, with `git am`; what conflicts is skipped, and
 * what lacks at the end is one remainder.
 */
export async function splitWithGitAm(folder: string, out: string, options: GitAm): Promise<Applied> {
  await mkdir(out, { recursive: true });
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await run('git', ['-C', out, ...settings, ...args], { timeout: timeoutMs, maxBuffer: 2 ** 28 });
    return stdout.trim();
  };
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
  const mbox = join(out, '.git/listed.mbox');
  await writeFile(mbox, await listedMails(folder), 'latin1');
  const applied = await apply(out, mbox, options);
  const rest = await git('commit-tree', target, '-p', 'HEAD', '-m', 'The rest\n\nRemainder: all');
  await git('update-ref', 'HEAD', rest);
  return applied;
}

/** Applies all mails and skips those that don't apply, until the time is over. */
async function apply(out: string, mbox: string, { threeWay, limitSec }: GitAm): Promise<Applied> {
  const peaks = join(out, '.git/peaks');
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  const am = threeWay ? ['am', '--quiet', '--3way', mbox] : ['am', '--quiet', mbox];
  let isCut = false;
  for (let args = am; ; args = ['am', '--quiet', '--skip']) {
    // Told to end, git takes its locks away; what it had applied stays.
    const left = Math.max(1, Math.ceil(limitSec - seconds()));
    const bounded = ['-f', '%M', '-a', '-o', peaks, 'timeout', '--kill-after=10', String(left), 'git', '-C', out];
    const failure = await run('/usr/bin/time', [...bounded, ...settings, ...args], { maxBuffer: 2 ** 28 }).then(
      () => undefined,
      (error: { code?: unknown }) => error,
    );
    const isUnderWay = await stat(join(out, '.git/rebase-apply')).catch(() => undefined);
    isCut = failure?.code === timedOut || (isUnderWay !== undefined && seconds() >= limitSec);
    if (isCut || !failure || !isUnderWay) break;
  }
  const applyingSec = seconds();
  const kilobytes = (await readFile(peaks, 'utf8')).match(/^\d+$/gm) ?? [];
  return { applyingSec, peakMb: Math.max(...kilobytes.map(Number)) / 1024, isCut };
}

/** The mails that the changelog names, in its order, each with its id in the message. */
async function listedMails(folder: string): Promise<string> {
  const items = changelogStep(
    parseChangelog(await readFile(join(folder, 'changelog.txt'), 'utf8')),
    undefined,
    undefined,
  );
  const ranks = new Map(items.flatMap(({ subject }, rank) => subjectKeys(subject).map((key) => [key, rank] as const)));
  const mails: { readonly rank: number; readonly mail: string }[] = [];
  for (const mail of (await readFile(join(folder, 'candidates.mbox'), 'latin1')).split(/^(?=From [0-9a-f]{40} )/m)) {
    if (!beginsMessage(mail.split('\n', 1)[0] ?? '')) continue;
    const [, subject = ''] = /^Subject: (?:\[PATCH[^\]]*\] ?)?(.*(?:\n[ \t].*)*)/m.exec(mail) ?? [];
    const rank = subjectKeys(subject.replace(/\n[ \t]/g, ' '))
      .map((key) => ranks.get(key))
      .find((known) => known !== undefined);
    if (rank !== undefined)
      mails.push({ rank, mail: mail.replace('\n---\n', `\nUpstream-commit: ${mail.slice(5, 45)}\n---\n`) });
  }
  return mails
    .sort((a, b) => a.rank - b.rank)
    .map(({ mail }) => mail)
    .join('');
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
