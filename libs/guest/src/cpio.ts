/** One entry of an initramfs. Paths have no leading slash; parents come before their children. */
export interface CpioEntry {
  readonly path: string;
  /** Type and permission bits, e.g. 0o100755. */
  readonly mode: number;
  /** A file's bytes, a link's target; none for a folder. */
  readonly data?: Uint8Array;
}

export const fileModes = { folder: 0o040755, program: 0o100755, file: 0o100644, link: 0o120777 } as const;

/**
 * Writes the "newc" form of cpio, the one that the kernel unpacks
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Owner is root, times are 0: same entries, same bytes.
 */
export function writeCpio(entries: readonly CpioEntry[]): Buffer {
  const parts: Uint8Array[] = [];
  [...entries, { path: 'TRAILER!!!', mode: 0 }].forEach((entry, index) => writeEntry(parts, entry, index + 1));
  return Buffer.concat(parts);
}

function writeEntry(parts: Uint8Array[], { path, mode, data = new Uint8Array() }: CpioEntry, inode: number): void {
  const name = Buffer.from(`${path}\0`, 'utf8');
  // magic, ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
  const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  parts.push(Buffer.from(header, 'ascii'), name, padding(header.length + name.length), data, padding(data.length));
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}
