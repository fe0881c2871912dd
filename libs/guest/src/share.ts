import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { copyPrograms } from '#libs/programs';
import { GuestError } from './errors.js';
import { shareMounts } from './init.js';
import { busyboxApplets, findBusybox } from './initramfs.js';

export interface ShareOptions {
  /** A new or empty folder: becomes the root that the guest's job may `chroot /share` into. */
  readonly dir: string;
  /** Built programs of this project that are to run in there. */
  readonly programs?: {
    /** The project's folder: `dist/`, `node_modules/` and `package.json` are taken from it, as far as they are needed. */
    readonly project: string;
    /** Main file of each program, relative to `dist/`, by the name that it gets in /bin: `{ splicecast: 'apps/agent/src/main.js' }`. */
    readonly mains: Readonly<Record<string, string>>;
  };
  /** /etc/os-release; by default that of the kernel's own distribution, Debian 12. */
  readonly osRelease?: string;
  /** The node binary to take along; this process's by default. */
  readonly node?: string;
}

const debianRelease = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n';

/** Where the project's programs lie in the share. */
const projectFolder = 'opt/splicecast';

/**
 * Fills a folder with all that Node programs need to run in a guest whose root it becomes: busybox, this machine's node with
 * its shared libraries, the programs with the packages that they import, and mount points for what must be writable.
 * @throws GuestError `program-missing`, `file-missing`; ProgramError.
 */
export async function prepareShare(options: ShareOptions): Promise<void> {
  const { dir, programs, osRelease = debianRelease, node = process.execPath } = options;
  for (const folder of ['bin', 'etc', 'usr/bin', ...Object.values(shareMounts)]) {
    await mkdir(join(dir, folder), { recursive: true });
  }
  await writeFile(join(dir, 'etc/os-release'), osRelease);
  await writeFile(join(dir, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n');
  await writeFile(join(dir, 'etc/hosts'), '127.0.0.1 localhost\n');
  await copyFile(await findBusybox(), join(dir, 'bin/busybox'));
  for (const applet of busyboxApplets) await symlink('busybox', join(dir, 'bin', applet));
  await copyWithLibraries(node, join(dir, 'usr/bin/node'), dir);
  if (programs === undefined) return;
  await copyPrograms(programs.project, Object.values(programs.mains), join(dir, projectFolder));
  for (const [name, main] of Object.entries(programs.mains)) {
    const program = join(dir, 'bin', basename(name));
    await writeFile(program, `#!/bin/sh\nexec /usr/bin/node --no-warnings /${projectFolder}/dist/${main} "$@"\n`);
    await chmod(program, 0o755);
  }
}

/** `ldd` names each library with its path: the loader itself stands alone, the others behind an arrow. */
const libraryPath = /(?:=> |^\s*)(\/[^\s()]+) \(0x/gm;

async function copyWithLibraries(program: string, to: string, root: string): Promise<void> {
  await copyFile(program, to).catch((cause: unknown) => {
    throw new GuestError('file-missing', `${program} can't be copied into the share`, [], { cause });
  });
  // A static program makes ldd fail and needs nothing.
  const libraries = await promisify(execFile)('ldd', [program]).then(
    ({ stdout }) => [...stdout.matchAll(libraryPath)].map((match) => match[1] ?? ''),
    () => [],
  );
  for (const library of libraries) {
    await mkdir(join(root, dirname(library)), { recursive: true });
    await writeFile(join(root, library), await readFile(library), { mode: 0o755 });
  }
}
