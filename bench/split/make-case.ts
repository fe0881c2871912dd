import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const timeoutMs = 30 * 60_000;

/** Gives a case's folder; one that is named by its arguments is made. @param repos where repositories are looked for by their name. */
export async function makeCase(tools: string, spec: string, repos: string, scratch: string): Promise<string> {
  const [kind = '', name = '', older = '', newer = '', ...options] = spec.split(/\s+/);
  if (kind !== 'simple' && kind !== 'backport') return resolve(spec);
  const repo = await repositoryOf(join(resolve(repos), name), resolve(name));
  const out = join(scratch, `${basename(name).replace(/\W/g, '')}-${older}-${newer}`.replaceAll('/', '_'));
  // What make_case.py takes for "none" has a NUL in it, which no program can be given.
  const skip = kind === 'backport' && !options.includes('--skip') ? ['--skip', 'no/such/file'] : [];
  const args = [join(tools, 'make_case.py'), kind, repo, older, newer, out, ...options, ...skip];
  await promisify(execFile)('python3', args, { timeout: timeoutMs, maxBuffer: 2 ** 26 });
  return out;
}

/** The git directory at one of the places. */
export async function repositoryOf(...places: readonly string[]): Promise<string> {
  for (const place of places) {
    for (const gitDir of [join(place, '.git'), join(place, 'repo'), place]) {
      if ((await stat(join(gitDir, 'objects')).catch(() => undefined))?.isDirectory() === true) return gitDir;
    }
  }
  throw new Error(`no git repository at ${places.join(' or ')}: name one, or the folder with --repos`);
}
