import { ArchiveError } from './errors.js';
import type { EntryKind } from './entry.js';
import { type ArchiveLimits, maxPathBytes } from './limits.js';

/** What an archive says of an entry, unchecked. */
export interface RawEntry {
  readonly path: string;
  readonly kind: EntryKind;
  readonly sizeBytes: number;
  readonly linkTarget?: string;
}

export interface GuardOptions {
  /** A package's links may be absolute: they mean the root of the system it is installed on. A source tree's may not. */
  readonly absoluteSymlinks: boolean;
}

const maxLinkHops = 40;
/** A kernel's paths go 15 deep. */
const maxDepth = 128;
/** A kernel has 4 MB of paths; 400,000 entries could bring 1.6 GB of them. */
const maxPathBytesTogether = 64 * 2 ** 20;
/** Parts of links that are walked in all: a kernel's 60 links have some hundreds. */
const maxLinkSteps = 1_000_000;

/**
 * Sees every entry of one archive pass by and stops what could write or lead outside of it: `..` and absolute paths, links
 * that leave the tree, paths through links, the same path twice, too many entries, too large files.
 */
export class EntryGuard {
  private readonly kinds = new Map<string, EntryKind>();
  private readonly symlinks = new Map<string, string>();
  private entries = 0;
  private pathBytes = 0;
  private linkSteps = 0;

  constructor(
    private readonly limits: ArchiveLimits,
    private readonly options: GuardOptions,
  ) {}

  /**
   * Admits an entry and gives back its path in normal form (and a hard link's target); undefined for the root folder itself.
   * @throws ArchiveError
   */
  admit(entry: RawEntry): { readonly path: string; readonly linkTarget?: string } | undefined {
    this.entries += 1;
    if (this.entries > this.limits.entries) {
      throw new ArchiveError('too-many-entries', `more than ${this.limits.entries} entries`);
    }
    if (entry.sizeBytes > this.limits.fileBytes) {
      throw new ArchiveError('too-large', `${quoted(entry.path)} has ${entry.sizeBytes} bytes`);
    }
    const path = normalPath(entry.path);
    this.pathBytes += path.length + (entry.linkTarget?.length ?? 0);
    if (this.pathBytes > maxPathBytesTogether)
      throw new ArchiveError('too-many-entries', `paths of more than ${maxPathBytesTogether} bytes together`);
    if (path === '') {
      if (entry.kind === 'directory') return undefined;
      throw new ArchiveError('unsafe-path', 'a file without a name');
    }
    this.claimParents(path);
    this.claim(path, entry.kind);
    if (entry.kind === 'symlink') this.admitSymlink(path, entry.linkTarget ?? '');
    if (entry.kind !== 'hardlink') return { path, linkTarget: entry.linkTarget };
    return { path, linkTarget: this.hardlinkTarget(path, entry.linkTarget ?? '') };
  }

  /**
   * To be called after the last entry: follows each symlink through the others. `d -> .` and `x -> d/../..` both look
   * harmless by their text alone.
   * @throws ArchiveError `unsafe-link`.
   */
  finish(): void {
    for (const [path, target] of this.symlinks) {
      if (!target.startsWith('/') && this.leaves(path, target)) {
        throw new ArchiveError('unsafe-link', `${quoted(path)} leads out of the tree through other links`);
      }
    }
  }

  private claimParents(path: string): void {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const parent = path.slice(0, end);
      const kind = this.kinds.get(parent);
      if (kind === 'directory') return;
      if (kind !== undefined) throw new ArchiveError('unsafe-path', `${quoted(path)} goes through a ${kind}`);
      if (this.kinds.size > 2 * this.limits.entries)
        throw new ArchiveError('too-many-entries', `more than ${2 * this.limits.entries} files and folders`);
      this.kinds.set(parent, 'directory');
    }
  }

  private claim(path: string, kind: EntryKind): void {
    const before = this.kinds.get(path);
    if (before !== undefined && (before !== 'directory' || kind !== 'directory')) {
      throw new ArchiveError('duplicate-entry', `${quoted(path)} is there twice (${before}, ${kind})`);
    }
    this.kinds.set(path, kind);
  }

  private admitSymlink(path: string, target: string): void {
    if (target === '' || target.includes('\0') || target.length > maxPathBytes) {
      throw new ArchiveError('unsafe-link', `${quoted(path)} has no proper target`);
    }
    if (target.startsWith('/')) {
      if (this.options.absoluteSymlinks) return;
      throw new ArchiveError('unsafe-link', `${quoted(path)} leads to the absolute path ${quoted(target)}`);
    }
    let depth = path.split('/').length - 1;
    for (const part of target.split('/')) {
      if (part === '..') depth -= 1;
      else if (part !== '' && part !== '.') depth += 1;
      if (depth < 0)
        throw new ArchiveError('unsafe-link', `${quoted(path)} leads out of the tree to ${quoted(target)}`);
    }
    this.symlinks.set(path, target);
  }

  private hardlinkTarget(path: string, raw: string): string {
    const target = safely('unsafe-link', () => normalPath(raw));
    if (this.kinds.get(target) !== 'file' && this.kinds.get(target) !== 'hardlink') {
      throw new ArchiveError('unsafe-link', `${quoted(path)} is a hard link to ${quoted(target)}, no file before it`);
    }
    return target;
  }

  /** Walks `target` from the folder of `path` as a file system would. A loop stays inside, so it doesn't leave. */
  private leaves(path: string, target: string): boolean {
    const at = path.split('/').slice(0, -1);
    const todo = target.split('/').reverse();
    for (let hops = 0; todo.length > 0;) {
      const part = todo.pop() ?? '';
      this.linkSteps += at.length + 1;
      if (this.linkSteps > maxLinkSteps)
        throw new ArchiveError('unsafe-link', `more links through links than can be followed, by ${quoted(path)}`);
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (at.pop() === undefined) return true;
        continue;
      }
      at.push(part);
      const next = this.symlinks.get(at.join('/'));
      if (next === undefined) continue;
      hops += 1;
      if (hops > maxLinkHops) return false;
      at.pop();
      todo.push(...next.split('/').reverse());
    }
    return false;
  }
}

/**
 * A path in normal form: no leading `./`, no trailing slash; '' for the root.
 * @throws ArchiveError `unsafe-path`.
 */
export function normalPath(raw: string): string {
  if (raw.length > maxPathBytes) throw new ArchiveError('unsafe-path', `a path of ${raw.length} bytes`);
  if (raw.includes('\0')) throw new ArchiveError('unsafe-path', `${quoted(raw)} has a NUL in it`);
  if (raw.startsWith('/')) throw new ArchiveError('unsafe-path', `${quoted(raw)} is absolute`);
  const parts = raw.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length > maxDepth) throw new ArchiveError('unsafe-path', `a path that is ${parts.length} folders deep`);
  for (const part of parts) {
    if (part === '..') throw new ArchiveError('unsafe-path', `${quoted(raw)} leads upwards`);
    // A tree that holds .git would be a repository's own configuration (CVE-2014-9390) wherever it is checked out.
    if (/^(?:\.git|git~1)$/i.test(part))
      throw new ArchiveError('unsafe-path', `${quoted(raw)} is a name that git keeps`);
    if (part.length > 255)
      throw new ArchiveError('unsafe-path', `${quoted(raw.slice(0, 300))} has too long a name in it`);
  }
  return parts.join('/');
}

/** For messages: JSON's quoting, so that control characters of a hostile name reach no terminal. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 300 ? `${name.slice(0, 300)}…` : name);
}

function safely<T>(code: 'unsafe-link', work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ArchiveError) throw new ArchiveError(code, error.message, { cause: error });
    throw error;
  }
}
