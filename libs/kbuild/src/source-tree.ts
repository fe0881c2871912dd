import { readFile, stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { KbuildError } from './errors.js';

/** Reads a kernel's source, wherever it is kept. */
export interface SourceTree {
  /** A file's bytes; undefined if there is no file of that path. */
  read(path: string): Promise<Buffer | undefined>;
}

/** The longest header of a kernel (a graphics chip's registers) has 24 MB. */
const maxFileBytes = 64 * 1024 * 1024;

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
  };
}

/** A source tree with some files changed; `undefined` = deleted. */
export function changedTree(base: SourceTree, changes: ReadonlyMap<string, Buffer | undefined>): SourceTree {
  return { read: async (path) => (changes.has(path) ? changes.get(path) : await base.read(path)) };
}

/** Checks that a path is relative and stays inside the tree. @throws KbuildError `bad-path` */
export function safePath(path: string): string {
  const clean = normalize(path);
  if (path.startsWith('/') || clean.startsWith('..') || path.includes('\0') || path.length > 4096) {
    throw new KbuildError('bad-path', `not a path inside the tree: ${path.slice(0, 200)}`, path);
  }
  return clean;
}
