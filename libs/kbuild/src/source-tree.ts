import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { KbuildError } from './errors.js';

/** Reads a kernel's source, wherever it is kept. */
export interface SourceTree {
  /** A file's bytes; undefined if there is no file of that path. */
  read(path: string): Promise<Buffer | undefined>;
  /** All of its files, for an index of includes; absent where a tree can't be walked. */
  readonly walk?: SourceWalk;
}

/** Goes through the files of a tree. */
export interface SourceWalk {
  /** Another one whenever a file's content may be another. */
  identity(): Promise<string>;
  /** Files whose path is wanted, each once, in any order. */
  files(wanted: (path: string) => boolean): AsyncIterable<SourceFile>;
}

export interface SourceFile {
  readonly path: string;
  readonly content: Buffer;
}

/** The longest header of a kernel (a graphics chip's registers) has 24 MB. */
const maxFileBytes = 64 * 1024 * 1024;
const maxWalkedFiles = 400_000;

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
    walk: folderWalk(root),
  };
}

/** The files below a folder. Links aren't followed. */
export function folderWalk(root: string): SourceWalk {
  return {
    async identity() {
      const digest = createHash('sha256').update(root);
      for await (const folder of foldersBelow(root)) {
        const stats = await Promise.all(
          folder.files.map(async (path) => await stat(join(root, path)).catch(() => undefined)),
        );
        for (const [at, found] of stats.entries()) {
          digest.update(`${folder.files[at]}\0${found?.size}\0${found?.mtimeMs}\0${found?.ctimeMs}\0`);
        }
      }
      return digest.digest('hex');
    },
    async *files(wanted) {
      for await (const folder of foldersBelow(root)) {
        for (const path of folder.files.filter(wanted)) {
          const content = await readFile(join(root, path)).catch(() => undefined);
          if (content !== undefined) yield { path, content };
        }
      }
    },
  };
}

async function* foldersBelow(root: string): AsyncGenerator<{ readonly files: readonly string[] }> {
  const waiting = [''];
  let count = 0;
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    const files = entries.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name));
    count += files.length;
    if (count > maxWalkedFiles) throw new KbuildError('too-much', `the source has more than ${maxWalkedFiles} files`);
    yield { files };
    for (const entry of entries) {
      if (entry.isDirectory() && entry.name !== '.git') waiting.push(join(folder, entry.name));
    }
  }
}

/** A source tree with some files changed; `undefined` = deleted. It isn't walked: its base is. */
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
