import { ElfError, readNotes } from '#libs/elf';
import { KernelImageError } from './errors.js';

const NT_GNU_BUILD_ID = 3;

/** The GNU build id (hex) in a section of ELF notes. @throws KernelImageError `bad-vmlinux` */
export function buildIdOf(notes: Uint8Array): string {
  let found;
  try {
    found = readNotes(notes).find(({ owner, type }) => owner === 'GNU' && type === NT_GNU_BUILD_ID);
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    throw new KernelImageError('bad-vmlinux', `.notes: ${error.message}`, { cause: error });
  }
  if (!found) throw new KernelImageError('bad-vmlinux', 'the image has no build id');
  return Buffer.from(found.description).toString('hex');
}

/** What the kernel says of itself: `Linux version 6.1.0-54-amd64 (…) (gcc-12 (…) 12.2.0, GNU ld …) #1 SMP …`. */
export interface Banner {
  readonly text: string;
  readonly release: string;
  readonly compiler: string;
}

/** Debian's kernel has two: linux_banner and the form of linux_proc_banner. */
const maxBanners = 64;

/** Finds linux_banner in the read-only data. @throws KernelImageError `bad-vmlinux` */
export function bannerOf(rodata: Buffer): Banner {
  const start = Buffer.from('Linux version ');
  let tried = 0;
  for (let at = rodata.indexOf(start); at >= 0 && tried < maxBanners; at = rodata.indexOf(start, at + 1), tried += 1) {
    const end = rodata.indexOf(0, at);
    const text = rodata.toString('latin1', at, Math.min(end < 0 ? at : end, at + 1024)).trimEnd();
    const parts = /^Linux version (\S+) \([^()]*\) \((.*), GNU ld .*\) #/.exec(text);
    if (parts?.[1] && parts[2]) return { text, release: parts[1], compiler: parts[2] };
  }
  throw new KernelImageError('bad-vmlinux', 'the image has no version banner');
}

/** Those of sound drivers have some 10 kB of aliases. */
const maxModinfoBytes = 1024 * 1024;

/** `.modinfo` of a module: `key=value` strings. The first value of each key counts. @throws KernelImageError `bad-module` */
export function parseModinfo(section: Uint8Array): ReadonlyMap<string, string> {
  if (section.length > maxModinfoBytes)
    throw new KernelImageError('bad-module', `a .modinfo of ${section.length} bytes`);
  const info = new Map<string, string>();
  for (const entry of Buffer.from(section).toString('latin1').split('\0')) {
    const equals = entry.indexOf('=');
    if (equals > 0 && !info.has(entry.slice(0, equals))) info.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  return info;
}
