import { readdir, readFile, stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { KbuildError } from './errors.js';

/** Reads a kernel's source, wherever it is kept. */
export interface SourceTree {
  /** A file's bytes; undefined if there is no file of that path. */
  read(path: string): Promise<Buffer | undefined>;
  /** Names of the files directly in a folder, sorted; empty if there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
}

const maxFileBytes = 16 * 1024 * 1024;

/** A source tree in a plain folder. */
export function folderTree(root: string): SourceTree {
  return {
    async read(path) {
      const at = join(root, safePath(path));
      const found = await stat(at).catch(() => undefined);
      if (!found?.isFile()) return undefined;
      if (found.size > maxFileBytes) throw new KbuildError('too-much', `${path} has ${found.size} bytes`, path);
      return await readFile(at);
    },
    async list(folder) {
      const entries = await readdir(join(root, safePath(folder)), { withFileTypes: true }).catch(() => []);
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name)
        .sort();
    },
  };
}

/** A source tree with some files changed; `undefined` = deleted. */
export function changedTree(base: SourceTree, changes: ReadonlyMap<string, Buffer | undefined>): SourceTree {
  return {
    read: async (path) => (changes.has(path) ? changes.get(path) : await base.read(path)),
    async list(folder) {
      const names = new Set(await base.list(folder));
      for (const [path, content] of changes) {
        const slash = path.lastIndexOf('/');
        if (path.slice(0, Math.max(slash, 0)) !== folder) continue;
        if (content === undefined) names.delete(path.slice(slash + 1));
        else names.add(path.slice(slash + 1));
      }
      return [...names].sort();
    },
  };
}

/** Checks that a path is relative and stays inside the tree. @throws KbuildError `bad-path` */
export function safePath(path: string): string {
  const clean = normalize(path);
  if (path.startsWith('/') || clean.startsWith('..') || path.includes('\0') || path.length > 4096) {
    throw new KbuildError('bad-path', `not a path inside the tree: ${path.slice(0, 200)}`, path);
  }
  return clean;
}
