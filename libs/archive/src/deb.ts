import { type ArMember, listAr } from './ar.js';
import type { ArchiveEntry } from './entry.js';
import { ArchiveError } from './errors.js';
import { type ArchiveLimits, kernelLimits } from './limits.js';
import { fileBytes, readTar } from './tar.js';

/** A Debian binary package, opened. */
export interface DebPackage {
  /** The control file's fields of one line each (`Package`, `Version`, `Architecture`, `Source` …), and folded ones joined by newlines. */
  readonly control: Readonly<Record<string, string>>;
  /** What it installs, paths relative to the root (`boot/vmlinuz-…`), in the order of the archive; can be read once. */
  readonly entries: AsyncIterable<ArchiveEntry>;
}

const controlLimits: ArchiveLimits = { totalBytes: 64 * 2 ** 20, entries: 1000, fileBytes: 16 * 2 ** 20, ratio: 1000 };
const maxControlBytes = 1024 * 1024;

/**
 * Opens a .deb (deb(5)): debian-binary, control.tar.*, data.tar.*. A symlink may be absolute (it means the root of the system
 * that the package is installed on): whoever unpacks must not follow it.
 * @throws ArchiveError; for what is in `entries`, while iterating.
 */
export async function readDeb(file: string, limits: ArchiveLimits = kernelLimits): Promise<DebPackage> {
  const members = await listAr(file);
  if (members[0]?.name !== 'debian-binary') throw new ArchiveError('not-an-archive', 'an ar archive, but no .deb');
  const control = await readControl(file, memberOf(members, 'control.tar'));
  const data = memberOf(members, 'data.tar');
  return { control, entries: readTar(fileBytes(file, data), limits, { absoluteSymlinks: true }) };
}

function memberOf(members: readonly ArMember[], stem: string): ArMember {
  const found = members.filter(({ name }) => name === stem || name.startsWith(`${stem}.`));
  const [member] = found;
  if (!member) throw new ArchiveError('truncated', `the .deb has no ${stem}`);
  if (found.length > 1) throw new ArchiveError('duplicate-entry', `the .deb has ${stem} more than once`);
  return member;
}

async function readControl(file: string, member: ArMember): Promise<Record<string, string>> {
  const entries = readTar(fileBytes(file, member), controlLimits, { absoluteSymlinks: true });
  for await (const entry of entries) {
    if (entry.path === 'control' && entry.kind === 'file') {
      return parseControl((await entry.bytes(maxControlBytes)).toString('utf8'));
    }
  }
  throw new ArchiveError('malformed', 'the .deb has no control file');
}

/** Reads one paragraph of deb822 fields. @throws ArchiveError `malformed`. */
export function parseControl(text: string): Record<string, string> {
  const fields = new Map<string, string>();
  let last: string | undefined;
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const [, name, value] = /^([!-9;-~]+):\s*(.*)$/.exec(line) ?? [];
    if (/^[ \t]/.test(line) && last !== undefined) {
      fields.set(last, `${fields.get(last) ?? ''}\n${line.trim()}`);
    } else if (name !== undefined && !fields.has(name)) {
      fields.set(name, (value ?? '').trimEnd());
      last = name;
    } else {
      throw new ArchiveError('malformed', 'the control file of the .deb has a line that is no field');
    }
  }
  return Object.fromEntries(fields);
}
