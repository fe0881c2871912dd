import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { DropFormat } from '#libs/contracts';
import { readDeb } from './deb.js';
import { decompress } from './decompress.js';
import type { ArchiveEntry } from './entry.js';
import { ArchiveError, whyNotOpened } from './errors.js';
import { readFolder } from './folder.js';
import { type ArchiveLimits, InflationGauge, kernelLimits } from './limits.js';
import { readSourceRpm } from './rpm.js';
import { readTar } from './tar.js';
import { TopFolder } from './top-folder.js';

/** What is known of a source drop once its entries were read to the end. */
export interface DropSummary {
  /** The package's own version, e.g. `6.1.190-1`; '' where the archive names none. */
  readonly version: string;
  readonly changelog?: { readonly style: 'debian' | 'rpm'; readonly text: string };
  /** What an operator should know, e.g. patches beside the tarball that weren't applied. */
  readonly notices: readonly string[];
}

/** A vendor's kernel source, opened. */
export interface SourceDrop {
  readonly format: DropFormat;
  /** The source tree's files, without the folder that the archive packs them in; can be read once. */
  readonly entries: AsyncIterable<ArchiveEntry>;
  /** To be asked after `entries` came to their end. */
  summary(): DropSummary;
}

const changelogLimits: ArchiveLimits = { ...kernelLimits, totalBytes: 64 * 2 ** 20 };
const maxChangelogBytes = 16 * 2 ** 20;
const innerTar = { deb: /^usr\/src\/[^/]+\.tar(?:\.\w+)?$/, srpm: /^linux-\d[^/]*\.tar(?:\.\w+)?$/ };
const debChangelog = /^usr\/share\/doc\/[^/]+\/changelog\.Debian\.gz$/;

/**
 * Opens a source drop of any kind: a linux-source .deb, an SRPM, a tar (plain or compressed) or a folder. The kind is told by its
 * bytes, not its name; `fileName` is only asked for a tar's version.
 * @throws ArchiveError; for what is in `entries`, while iterating.
 */
export async function openSourceDrop(
  path: string,
  fileName = basename(path),
  limits: ArchiveLimits = kernelLimits,
): Promise<SourceDrop> {
  const head = await headOf(path);
  if (head === 'folder') {
    return { format: 'folder', entries: readFolder(path, limits), summary: () => ({ version: '', notices: [] }) };
  }
  if (head.startsWith('!<arch>\n')) return openDeb(path, limits);
  if (head.startsWith('\u00ed\u00ab\u00ee\u00db')) return openSrpm(path, limits);
  return openTar(path, fileName, limits);
}

async function openDeb(path: string, limits: ArchiveLimits): Promise<SourceDrop> {
  const deb = await readDeb(path, limits);
  let text: string | undefined;
  async function* entries(): AsyncGenerator<ArchiveEntry> {
    const inner = new InnerTar(innerTar.deb, limits);
    for await (const entry of deb.entries) {
      if (entry.kind === 'file' && debChangelog.test(entry.path)) text = await unzippedText(entry);
      yield* inner.entriesOf(entry);
    }
    inner.finish('.deb');
  }
  const summary = (): DropSummary => ({
    version: (deb.control['Version'] ?? '').slice(0, 128),
    changelog: text === undefined ? undefined : { style: 'debian', text },
    notices: [],
  });
  return { format: 'linux-source-deb', entries: entries(), summary };
}

async function openSrpm(path: string, limits: ArchiveLimits): Promise<SourceDrop> {
  const rpm = await readSourceRpm(path, limits);
  const patches: string[] = [];
  async function* entries(): AsyncGenerator<ArchiveEntry> {
    const inner = new InnerTar(innerTar.srpm, limits);
    for await (const entry of rpm.entries) {
      if (entry.path.endsWith('.patch') && entry.sizeBytes > 0) patches.push(entry.path);
      yield* inner.entriesOf(entry);
    }
    inner.finish('SRPM');
  }
  const summary = (): DropSummary => ({
    version: rpm.version.slice(0, 128),
    changelog: rpm.changelog === '' ? undefined : { style: 'rpm', text: rpm.changelog },
    notices:
      patches.length === 0 ? [] : [`not applied, as only the spec file says how: ${patches.slice(0, 20).join(', ')}`],
  });
  return { format: 'srpm', entries: entries(), summary };
}

function openTar(path: string, fileName: string, limits: ArchiveLimits): SourceDrop {
  const top = new TopFolder();
  const entries = readTar(path, limits, { absoluteSymlinks: false, top });
  const summary = (): DropSummary => ({ version: versionIn(top.name) || versionIn(fileName), notices: [] });
  return { format: 'tar', entries, summary };
}

/** Finds the one tarball of a package and reads through it. */
class InnerTar {
  private found = false;

  constructor(
    private readonly pattern: RegExp,
    private readonly limits: ArchiveLimits,
  ) {}

  async *entriesOf(entry: ArchiveEntry): AsyncGenerator<ArchiveEntry> {
    if (entry.kind !== 'file' || !this.pattern.test(entry.path)) return;
    if (this.found) throw new ArchiveError('duplicate-entry', `a second source tarball: ${entry.path}`);
    this.found = true;
    yield* readTar(entry.content, this.limits, { absoluteSymlinks: false, top: new TopFolder() });
  }

  finish(what: string): void {
    if (!this.found) throw new ArchiveError('not-found', `the ${what} holds no kernel source tarball`);
  }
}

async function unzippedText(entry: ArchiveEntry): Promise<string> {
  const parts: Buffer[] = [];
  let room = maxChangelogBytes;
  for await (const part of decompress(entry.content, new InflationGauge(changelogLimits))) {
    room -= part.length;
    if (room < 0) throw new ArchiveError('too-large', `the changelog has more than ${maxChangelogBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** `linux-6.1.190`, `linux-source-6.1.tar.xz`, `linux-5.14.0-427.el9` → the version in it. */
function versionIn(name = ''): string {
  return /^linux-(?:source-)?(\d[\w.+~-]{0,60}?)(?:\.tar(?:\.\w+)?)?$/.exec(name)?.[1] ?? '';
}

async function headOf(path: string): Promise<string> {
  try {
    if ((await stat(path)).isDirectory()) return 'folder';
    const handle = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
      return buffer.subarray(0, bytesRead).toString('latin1');
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new ArchiveError('read-failed', whyNotOpened(error), { cause: error });
  }
}
