import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitId } from '#libs/contracts';
import { type Git, GitFailure } from './git.js';
import { TreeError } from './port.js';
import { scratchFolder } from './scratch.js';

/** Applies a unified diff to a tree by an index of its own, without any checkout. The lines may have moved; nothing else may differ. */
export async function applyToTree(git: Git, incoming: string, tree: GitId, patch: Uint8Array): Promise<GitId> {
  const folder = await scratchFolder(incoming);
  const indexFile = join(folder, 'index');
  try {
    await git.run(['read-tree', tree], { indexFile });
    await git.run(['apply', '--cached', '--whitespace=nowarn', '-p1', '-'], { indexFile, input: patch });
    return (await git.run(['write-tree'], { indexFile })).toString('latin1').trim();
  } catch (error) {
    if (error instanceof GitFailure && error.args[0] === 'apply') {
      throw new TreeError('patch-does-not-apply', firstLines(error.stderr), conflictsOf(error.stderr));
    }
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function firstLines(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.startsWith('error:'));
  return lines.slice(0, 20).join('\n').slice(0, 4000) || 'git apply refuses the patch';
}

/** Paths that git complains of: `error: patch failed: a.c:12`, `error: a.c: patch does not apply`, `error: a.c: already exists in index`. */
function conflictsOf(stderr: string): string[] {
  const paths = new Set<string>();
  for (const line of stderr.split('\n')) {
    const [, failed, path] = /^error: (?:patch failed: (.+):\d+|(.+): [a-z][^:]*)$/.exec(line) ?? [];
    const name = failed ?? path;
    if (name !== undefined && name !== 'patch failed') paths.add(name);
  }
  return [...paths].sort();
}
