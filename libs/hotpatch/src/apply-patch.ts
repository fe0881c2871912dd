import { lstat, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Reason } from '#libs/contracts';
import { changedTree, safePath, type SourceTree } from '#libs/kbuild';
import { ProcessError, run } from '#libs/process';
import type { FileChange, FixSource } from './outcome.js';

const maxPatchBytes = 64 * 1024 * 1024;
const maxPaths = 20_000;
/** As `SourceTree`s bound a file: a patch may make ones of any size. */
const maxFileBytes = 64 * 1024 * 1024;

export type Applied = { readonly fix: FixSource } | { readonly refused: readonly Reason[] };

/**
 * Applies unified diffs (-p1, in their order) to a source tree without changing it.
 * Refuses with `needs-earlier-commits`, a reason for each path that conflicts, or `malformed-patch`.
 */
export async function applyPatches(base: SourceTree, patches: readonly Uint8Array[]): Promise<Applied> {
  const folder = await mkdtemp(join(tmpdir(), 'splicecast-patch-'));
  try {
    const paths = new Set<string>();
    const before = new Map<string, Buffer | undefined>();
    for (const patch of patches) {
      if (patch.length > maxPatchBytes) return refused('malformed-patch', `a patch of ${patch.length} bytes`);
      const touched = await pathsOf(patch, folder);
      for (const path of touched) {
        if (paths.has(path)) continue;
        if (paths.add(path).size > maxPaths) return refused('malformed-patch', `more than ${maxPaths} paths`);
        const content = await base.read(path);
        before.set(path, content);
        if (content === undefined) continue;
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), content);
      }
      await git(['apply', '-p1', '--whitespace=nowarn', '-'], folder, patch);
      const odd = await oddFile(folder, touched);
      if (odd !== undefined) return refused('malformed-patch', odd);
    }
    const changes: FileChange[] = [];
    const contents = new Map<string, Buffer | undefined>();
    for (const [path, old] of before) {
      const now = await readFile(join(folder, path)).catch(() => undefined);
      if (old === undefined ? now === undefined : now?.equals(old)) continue;
      contents.set(path, now);
      changes.push({ path, kind: old === undefined ? 'added' : now === undefined ? 'deleted' : 'modified' });
    }
    changes.sort((a, b) => (a.path < b.path ? -1 : 1));
    return { fix: { base, patched: changedTree(base, contents), changes } };
  } catch (error) {
    if (!(error instanceof ProcessError) || error.code === 'program-not-found') throw error;
    return error.code === 'failed' ? conflict(error.stderr) : refused('malformed-patch', error.message);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Applies a patch on top of a fix: one change, from the fix's own base to what comes out. */
export async function applyOnTop(fix: FixSource, patch: Uint8Array): Promise<Applied> {
  const top = await applyPatches(fix.patched, [patch]);
  if ('refused' in top) return top;
  const { patched } = top.fix;
  const changes: FileChange[] = [];
  for (const path of new Set([...fix.changes, ...top.fix.changes].map((one) => one.path))) {
    const [before, now] = [await fix.base.read(path), await patched.read(path)];
    if (before === undefined ? now === undefined : now?.equals(before)) continue;
    changes.push({ path, kind: before === undefined ? 'added' : now === undefined ? 'deleted' : 'modified' });
  }
  changes.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { fix: { base: fix.base, patched, changes } };
}

/**
 * A patch can make a symlink. What comes after would then be written, and at the end be read, wherever that leads:
 * `kernel -> /etc` and a second patch of kernel/params.c. git itself stops only at links within one patch.
 */
async function oddFile(folder: string, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const found = await lstat(join(folder, path)).catch(() => undefined);
    if (found === undefined || found.isDirectory()) continue;
    if (!found.isFile()) return `${path} is to be no plain file`;
    if (found.size > maxFileBytes) return `${path} is to have ${found.size} bytes`;
  }
  return undefined;
}

async function pathsOf(patch: Uint8Array, folder: string): Promise<readonly string[]> {
  const listed = await git(['apply', '-p1', '--numstat', '-z', '-'], folder, patch);
  const paths: string[] = [];
  for (const entry of listed.split('\0')) {
    const path = entry.split('\t').slice(2).join('\t');
    if (path !== '') paths.push(safePath(path));
  }
  return paths;
}

async function git(args: readonly string[], folder: string, patch: Uint8Array): Promise<string> {
  const env = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    LC_ALL: 'C',
    // No repository above the scratch folder and no configuration of the operator's may have a say.
    GIT_CEILING_DIRECTORIES: dirname(folder),
    GIT_CONFIG_NOSYSTEM: '1',
    HOME: folder,
  };
  const { stdout } = await run('git', args, { cwd: folder, env, timeoutMs: 60_000, stdin: patch });
  return stdout.toString('latin1');
}

function refused(code: string, reason: string): Applied {
  return { refused: [{ code, reason }] };
}

function conflict(stderr: string): Applied {
  const paths = new Set<string>();
  for (const [, failed, path] of stderr.matchAll(
    /^error: (?:patch failed: (.+):\d+|(.+): (?:No such file|already exists|patch does not apply).*)$/gm,
  )) {
    const found = failed ?? path;
    if (found !== undefined) paths.add(found);
  }
  if (paths.size === 0) return refused('malformed-patch', stderr.split('\n')[0]?.slice(0, 500) || 'no patch');
  return { refused: [...paths].map((path) => needsEarlierCommits(path)) };
}

/** The reason for a path on which a patch doesn't apply to the kernel's own source. */
export function needsEarlierCommits(path: string): Reason {
  return {
    code: 'needs-earlier-commits',
    object: path,
    reason: 'the patch doesn’t apply to the source that the kernel was built from',
    advice: 'build it together with the earlier commits that its lines depend on',
  };
}
