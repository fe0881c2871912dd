import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, normalize } from 'node:path';
import type { KernelProfile } from '#libs/kernelimage';
import { KbuildError } from './errors.js';
import { safePath, type SourceTree } from './source-tree.js';

const publicHeaders = /^(?:include|arch\/[^/]+\/include)\//;
const maxFiles = 200_000;
const maxBytes = 512 * 1024 * 1024;

/**
 * A throw-away kernel tree for compiling a few files: links into the profile's headers, and beside them only those files
 * of the source that somebody asked for. It takes milliseconds where unpacking a kernel takes half a minute.
 */
export class Workspace {
  /** Folders that are real here, not links into the headers. */
  private readonly real = new Set<string>();
  /** Source files that have been put here, or that the source doesn't have. */
  private readonly placed = new Map<string, Buffer | undefined>();
  private bytes = 0;
  /** Whether the profile's headers have a file of that path: an include is looked for in ten folders, by hundreds of objects. */
  private readonly headers = new Map<string, boolean>();
  /** One file is put here at a time: objects are compiled side by side. */
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly root: string,
    readonly profile: KernelProfile,
    readonly source: SourceTree,
    /** Files that the source has other than the headers: theirs are taken. */
    readonly changed: ReadonlySet<string>,
  ) {}

  /** @param changed paths whose content in `source` goes before the profile's headers. */
  static async create(
    profile: KernelProfile,
    source: SourceTree,
    changed: ReadonlySet<string> = new Set(),
  ): Promise<Workspace> {
    const root = await mkdtemp(join(tmpdir(), 'splicecast-build-'));
    const workspace = new Workspace(root, profile, source, changed);
    await workspace.linkFolder('');
    // Tracepoints are included by a path from here (TRACE_INCLUDE_PATH ../../fs/xfs): through a link that would lead astray.
    // The same holds for `../../../fs/dlm/dlm_internal.h` in include/trace/events/dlm.h.
    await workspace.makeReal('include/trace/events');
    // Later these would be in the way of a compiler that runs: links that become folders.
    await workspace.makeReal(`arch/${profile.data.kbuild['SRCARCH'] ?? 'x86'}`);
    for (const path of changed) await workspace.place(path);
    return workspace;
  }

  /**
   * Puts a source file into the tree, unless the headers have it.
   * @returns its bytes if it comes from the source; undefined if the headers have it or nobody does.
   */
  async place(path: string): Promise<Buffer | undefined> {
    const placed = this.turn.then(async () => await this.placeInTurn(path));
    this.turn = placed.catch(() => undefined);
    return await placed;
  }

  private async placeInTurn(path: string): Promise<Buffer | undefined> {
    const clean = safePath(path);
    if (this.placed.has(clean)) return this.placed.get(clean);
    const content = await this.sourceOf(clean);
    this.placed.set(clean, content);
    if (content === undefined) return undefined;
    this.bytes += content.length;
    if (this.placed.size > maxFiles || this.bytes > maxBytes) {
      throw new KbuildError('too-much', `the build takes more than ${maxFiles} files or ${maxBytes} bytes`, path);
    }
    const folder = dirname(clean);
    await this.makeReal(folder === '.' ? '' : folder);
    await rm(join(this.root, clean), { force: true });
    await writeFile(join(this.root, clean), content);
    return content;
  }

  /** A file as a build reads it: the source's, or the one of the profile's headers. */
  async read(path: string): Promise<Buffer | undefined> {
    const clean = safePath(path);
    if (await this.linked(clean)) return await readFile(join(this.profile.headers, clean));
    return await this.source.read(clean);
  }

  /** Says whether the profile's headers bring a file of that path, and the source doesn't take its place. */
  async linked(path: string): Promise<boolean> {
    return !this.changed.has(path) && (await this.headersHave(path));
  }

  /** The environment that the kernel's make and compiler run in here. */
  environment(): Record<string, string> {
    return {
      ...this.profile.data.kbuild,
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      LC_ALL: 'C',
      abs_srctree: this.root,
      abs_objtree: this.root,
    };
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  private async sourceOf(path: string): Promise<Buffer | undefined> {
    if (await this.linked(path)) return undefined;
    // Public headers are all in the vendor's packages: what isn't there (most search paths of an include) is nowhere.
    if (!this.changed.has(path) && publicHeaders.test(path)) return undefined;
    return await this.source.read(path);
  }

  private async headersHave(path: string): Promise<boolean> {
    const known = this.headers.get(path);
    if (known !== undefined) return known;
    const has = await lstat(join(this.profile.headers, path)).then(
      (found) => !found.isDirectory(),
      () => false,
    );
    this.headers.set(path, has);
    return has;
  }

  /** Turns a link to a folder into a folder of links, from the root down. */
  private async makeReal(folder: string): Promise<void> {
    if (folder === '' || this.real.has(folder)) return;
    const parent = dirname(folder);
    await this.makeReal(parent === '.' ? '' : parent);
    // A link goes away; a folder that Makefile.build made for its outputs stays.
    await rm(join(this.root, folder)).catch(() => undefined);
    await mkdir(join(this.root, folder), { recursive: true });
    await this.linkFolder(folder);
  }

  private async linkFolder(folder: string): Promise<void> {
    this.real.add(folder);
    const from = join(this.profile.headers, folder);
    const names = await readdir(from).catch(() => []);
    for (const name of names) await symlink(join(from, name), join(this.root, folder, name));
  }
}

/** The folder of a source file or object, `.` for the root. */
export function folderOf(path: string): string {
  return dirname(normalize(path));
}

/** `fs/fcntl.c` → `fs/fcntl.o`. */
export function objectOf(source: string): string {
  return source.replace(/\.c$/, '.o');
}

/** `fs/fcntl.o` → `fs/fcntl.c`. */
export function sourceOf(object: string): string {
  return join(dirname(object), `${basename(object, '.o')}.c`);
}
