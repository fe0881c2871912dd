import { createWriteStream } from 'node:fs';
import { chmod, lstat, mkdir, open, symlink } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ArchiveError, readDeb } from '#libs/archive';
import { isDiskError } from './disk.js';
import { KernelImageError } from './errors.js';

/** What a package turned out to be, by its name and content. */
export type PackageRole = 'image' | 'headers' | 'headers-common' | 'kbuild';

export interface PackageFacts {
  readonly role: PackageRole;
  readonly name: string;
  readonly version: string;
  /** Kernel release that its name carries: `6.1.0-54-amd64`, `6.1.0-54` for common headers, `6.1` for kbuild. */
  readonly release: string;
}

const roles: readonly (readonly [RegExp, PackageRole])[] = [
  [/^linux-image-(?:unsigned-)?(\d[a-z0-9.+~-]*?)(?:-unsigned)?$/, 'image'],
  [/^linux-headers-(\d[a-z0-9.+~-]*)-common(?:-rt)?$/, 'headers-common'],
  [/^linux-headers-(\d[a-z0-9.+~-]*)$/, 'headers'],
  [/^linux-kbuild-(\d[a-z0-9.+~-]*)$/, 'kbuild'],
];

/** Names a package's role. @throws KernelImageError `wrong-package` */
export function packageFacts(control: Readonly<Record<string, string>>): PackageFacts {
  const fields = new Map(Object.entries(control).map(([key, value]) => [key.toLowerCase(), value.trim()]));
  const name = fields.get('package') ?? '';
  const architecture = fields.get('architecture') ?? 'all';
  if (!['amd64', 'all'].includes(architecture)) {
    throw new KernelImageError(
      'wrong-package',
      `${name} is for ${architecture}: only kernels of amd64 can be imported`,
    );
  }
  const stripped = name.replace(/-dbg(?:sym)?$/, '');
  if (stripped !== name) {
    throw new KernelImageError('wrong-package', `${name} holds debug information alone: give ${stripped} instead`);
  }
  for (const [pattern, role] of roles) {
    const release = pattern.exec(name)?.[1];
    if (release !== undefined) return { role, name, version: fields.get('version') ?? '', release };
  }
  // linux-image-amd64 and its like are empty: they name the newest release's package.
  const named = /\blinux-(?:image|headers)-\d\S*/.exec(fields.get('depends') ?? '')?.[0];
  const advice = named === undefined ? '' : `, though it names one: give ${named} instead`;
  throw new KernelImageError('wrong-package', `"${name}" is no kernel image, headers or kbuild package${advice}`);
}

/** Where an entry of a package goes in the profile: a path below its folder; undefined = not needed. */
export type Placement = (path: string, facts: PackageFacts) => string | undefined;

/** Where the files of each package stand in a profile. The three headers packages become one tree, as in a built kernel. */
export const placement: Placement = (path, facts) => {
  switch (facts.role) {
    case 'image':
      return placeImage(path, facts.release);
    case 'headers':
      return below(path, `usr/src/linux-headers-${facts.release}/`, 'headers/');
    case 'headers-common':
      return below(path, `usr/src/linux-headers-${facts.release}-common/`, 'headers/');
    default:
      return below(path, `usr/lib/linux-kbuild-${facts.release}/`, 'headers/');
  }
};

function placeImage(path: string, release: string): string | undefined {
  if (path === `boot/vmlinuz-${release}`) return 'vmlinuz';
  if (path === `boot/config-${release}`) return 'config';
  const module = below(path, `lib/modules/${release}/`, '');
  if (module === undefined) return undefined;
  if (module.endsWith('.ko')) return `modules/${module}`;
  return ['modules.builtin', 'modules.order'].includes(module) ? module : undefined;
}

function below(path: string, folder: string, to: string): string | undefined {
  if (!path.startsWith(folder)) return undefined;
  const rest = path.slice(folder.length);
  // Other architectures' headers (45 MB of 76) are never compiled against.
  if (to === 'headers/' && /^arch\/(?!x86\/)[^/]+\//.test(rest)) return undefined;
  return to + rest;
}

export interface UnpackProgress {
  (doneBytes: number): void;
}

const maxFiles = 200_000;

/** A symbolic link of a package, not yet made. */
export interface PackageLink {
  /** Where it is to be, absolute. */
  readonly at: string;
  readonly target: string;
}

/**
 * Writes the files of one package that a profile needs. Its links aren't made but given back: those of one package would be
 * written through by the next.
 * @throws KernelImageError `bad-package` for a damaged or hostile archive, `interrupted`
 */
export async function unpackPackage(
  file: string,
  facts: PackageFacts,
  folder: string,
  onProgress: UnpackProgress,
  signal?: AbortSignal,
): Promise<readonly PackageLink[]> {
  const deb = await openDeb(file);
  const links: PackageLink[] = [];
  const folders = new Set<string>();
  let files = 0;
  let bytes = 0;
  try {
    for await (const entry of deb.entries) {
      stopIfAborted(signal);
      const place = placement(entry.path.replace(/^\.?\//, ''), facts);
      if (place === undefined || entry.kind === 'directory') continue;
      if ((files += 1) > maxFiles) throw new KernelImageError('bad-package', `more than ${maxFiles} files`);
      const at = inside(folder, place);
      if (entry.kind === 'file') {
        await writeEntry(at, entry.content, entry.mode, folders);
        onProgress((bytes += entry.sizeBytes));
      } else if (entry.kind === 'symlink' && entry.linkTarget !== undefined) {
        links.push({ at, target: entry.linkTarget });
      }
    }
  } catch (error) {
    if (error instanceof KernelImageError || isDiskError(error)) throw error;
    throw new KernelImageError('bad-package', `${facts.name}: ${messageOf(error)}`, { cause: error });
  }
  return links;
}

/** @throws KernelImageError `interrupted` */
export function stopIfAborted(signal?: AbortSignal): void {
  if (signal?.aborted === true) throw new KernelImageError('interrupted', 'interrupted: nothing was imported');
}

/** What a package says of itself; its files aren't looked at. @throws KernelImageError `bad-package`, `wrong-package` */
export async function readPackageFacts(file: string): Promise<PackageFacts> {
  return packageFacts((await openDeb(file)).control);
}

async function openDeb(file: string): ReturnType<typeof readDeb> {
  try {
    return await readDeb(file);
  } catch (error) {
    if (isDiskError(error)) throw error;
    const isCut = error instanceof ArchiveError && error.code === 'truncated';
    const what = (await isRpm(file))
      ? 'an RPM; give packages of Debian (.deb)'
      : `no readable .deb: ${messageOf(error)}${isCut ? '; fetch it again' : ''}`;
    throw new KernelImageError('bad-package', `${file}: ${what}`, { cause: error });
  }
}

/** Told by its first bytes, to say so. */
async function isRpm(file: string): Promise<boolean> {
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined) return false;
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.readUInt32BE(0) === 0xedabeedb;
  } catch {
    return false;
  } finally {
    await handle.close();
  }
}

async function writeEntry(at: string, content: Readable, mode: number, folders: Set<string>): Promise<void> {
  const folder = dirname(at);
  if (!folders.has(folder)) {
    await mkdir(folder, { recursive: true });
    folders.add(folder);
  }
  await pipeline(content, createWriteStream(at, { flags: 'w', mode: 0o644 }));
  if ((mode & 0o111) !== 0) await chmod(at, 0o755);
}

/**
 * Makes the links, once all packages are unpacked. Each must lead to a file or folder of the headers that is there, and no
 * link may stand in its way or in that of another: what `..` means behind a link isn't what the text says. `scripts` and
 * `tools` of the headers packages lead to the kbuild package, which is merged in: they stay away.
 */
export async function makeLinks(folder: string, links: readonly PackageLink[]): Promise<void> {
  const headers = join(folder, 'headers');
  const sound: PackageLink[] = [];
  for (const { at, target } of links) {
    const resolved = normalize(join(dirname(at), target));
    const isInside = !target.startsWith('/') && resolved.startsWith(`${headers}/`);
    if (isInside && (await isThere(resolved)) && !(await isThere(at))) sound.push({ at, target });
  }
  const taken = new Set(sound.map(({ at }) => at));
  for (const { at, target } of sound) {
    if (foldersAbove(at, headers).some((parent) => taken.has(parent))) continue;
    await mkdir(dirname(at), { recursive: true });
    await symlink(target, at);
  }
}

function foldersAbove(path: string, top: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = dirname(path); folder.length > top.length; folder = dirname(folder)) folders.push(folder);
  return folders;
}

async function isThere(path: string): Promise<boolean> {
  return await lstat(path).then(Boolean, () => false);
}

function inside(folder: string, place: string): string {
  const at = normalize(join(folder, place));
  if (!at.startsWith(`${folder}/`)) throw new KernelImageError('bad-package', `a file outside its folder: ${place}`);
  return at;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
