import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { repositoryOf } from './make-case.js';

const run = promisify(execFile);
const fewest = 100;
const most = 1_000;
/** How many of the newest tags are looked at. */
const maxTags = 200;
/** A release's: `v1.2.3`, `curl-8_10_0`, and none of a candidate for one. */
const releaseTag = /^[A-Za-z-]*\d+(?:[._]\d+)+$/;

/**
 * A case of each repository in a folder: its newest step between two releases, one an ancestor of the other, of 100 to 1,000 commits. What
 * came after is decoys. A repository without such a step, or too shallow for one, has none.
 */
export async function casesAtHand(repos: string): Promise<readonly string[]> {
  const cases: string[] = [];
  for (const name of (await readdir(repos)).sort()) {
    const gitDir = await repositoryOf(resolve(repos, name)).catch(() => undefined);
    const step = gitDir === undefined ? undefined : await newestStep(gitDir);
    if (step) cases.push(`simple ${name} ${step.older} ${step.newer} --after ${step.after}`);
  }
  return cases;
}

async function newestStep(gitDir: string): Promise<{ older: string; newer: string; after: string } | undefined> {
  const git = async (...args: string[]): Promise<string[]> => {
    const { stdout } = await run('git', ['--git-dir', gitDir, ...args], { maxBuffer: 2 ** 26 });
    return stdout.split('\n').filter((line) => line !== '');
  };
  const listed = await git('tag', '--list', '--sort=-creatordate', '--merged', 'HEAD').catch(() => []);
  const tags = listed.filter((tag) => releaseTag.test(tag)).slice(0, maxTags);
  for (const [at, newer] of tags.entries()) {
    for (const older of tags.slice(at + 1, at + 6)) {
      const count = Number((await git('rev-list', '--count', '--no-merges', `${older}..${newer}`))[0]);
      const behind = Number((await git('rev-list', '--count', `${newer}..${older}`))[0]);
      if (behind === 0 && count >= fewest && count <= most) return { older, newer, after: tags[at - 1] ?? 'HEAD' };
    }
  }
  return undefined;
}
