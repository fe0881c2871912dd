import { machine } from 'node:os';
import { join } from 'node:path';
import { type RunningKernel, runningKernelSchema } from '#libs/contracts';
import { readNotes } from '#libs/elf';
import { readBounded, readText } from './bounded-file.js';
import { LoaderError } from './errors.js';

/** Type of a note that holds a build id, its owner being `GNU`. */
const buildIdNote = 3;

/**
 * What runs here: release (`uname -r`), build id, distribution (os-release(5) `ID`) and architecture.
 * @param root the file system's root; another one in tests.
 * @throws LoaderError `unreadable`.
 */
export async function readRunningKernel(root: string): Promise<RunningKernel> {
  const osRelease =
    (await readText(join(root, 'etc/os-release'))) ?? (await readText(join(root, 'usr/lib/os-release')));
  // Left out where there is none: what is read back from a file must equal it.
  const major = osReleaseMajor(osRelease ?? '');
  const parsed = runningKernelSchema.safeParse({
    distro: osReleaseId(osRelease ?? ''),
    ...(major === undefined ? {} : { major }),
    arch: machine(),
    release: await readText(join(root, 'proc/sys/kernel/osrelease')),
    buildId: buildIdOf((await readBounded(join(root, 'sys/kernel/notes'))) ?? Buffer.alloc(0)),
  });
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
  throw new LoaderError('unreadable', `this system doesn't say what kernel it runs: ${fields} unknown`);
}

/** The GNU build id (hex) in the kernel's notes. @throws LoaderError `unreadable`. */
export function buildIdOf(notes: Uint8Array): string {
  let found;
  try {
    found = readNotes(notes).find(({ owner, type }) => owner === 'GNU' && type === buildIdNote);
  } catch (cause) {
    throw new LoaderError('unreadable', '/sys/kernel/notes is malformed', [], { cause });
  }
  if (found === undefined) throw new LoaderError('unreadable', '/sys/kernel/notes has no build id');
  return Buffer.from(found.description).toString('hex');
}

/** `ID` of an os-release file, in lower case; undefined if it has none. */
export function osReleaseId(text: string): string | undefined {
  return /^ID=(["']?)([a-z0-9._-]+)\1\s*$/im.exec(text)?.[2]?.toLowerCase();
}

/** `VERSION_ID` of an os-release file up to its first point; undefined if it has none, as a rolling release has. */
export function osReleaseMajor(text: string): string | undefined {
  return /^VERSION_ID=(["']?)([A-Za-z0-9_-]{1,16})(?:\.[^"'\n]*)?\1\s*$/m.exec(text)?.[2];
}

/** The distribution's own version of the kernel, e.g. `6.1.190-1`, where /proc/version tells it as Debian's does. */
export async function readVendorVersion(root: string): Promise<string | undefined> {
  const version = await readText(join(root, 'proc/version'));
  return /#\d+.* Debian (\d[A-Za-z0-9.+~:-]*)/.exec(version ?? '')?.[1];
}
