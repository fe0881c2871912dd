import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { fileModes, type CpioEntry, writeCpio } from './cpio.js';
import { missingProgram } from './errors.js';
import { type InitOptions, initScript } from './init.js';

/** Where Debian puts the static busybox (merged /usr or not). */
const busyboxPaths = ['/bin/busybox', '/usr/bin/busybox'];

/** The applets that the guest's scripts may use by name. */
export const busyboxApplets: readonly string[] = (
  '[ awk base64 basename cat chmod chroot cmp cp cut date dd df dirname dmesg echo env expr false find free grep head hostname ' +
  'id ifconfig insmod kill ln ls lsmod mkdir mknod mktemp mount mv nc netstat nproc od ping pgrep poweroff printf ps pwd reboot ' +
  'rm rmdir rmmod route sed seq sh sha256sum sleep sort stat stty sync tail tar tee test time timeout touch tr true umount uname ' +
  'uniq uptime wc wget which xargs yes'
).split(' ');

/** @throws GuestError `program-missing`. */
export async function findBusybox(): Promise<string> {
  for (const path of busyboxPaths) {
    if (await isProgram(path)) return path;
  }
  throw missingProgram('a static busybox', 'busybox-static');
}

async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The guest's first root file system: busybox, the modules, /init and the job. Uncompressed, as unpacking costs time. */
export async function buildInitramfs(
  modules: ReadonlyMap<string, Uint8Array>,
  job: string,
  init: Omit<InitOptions, 'modules'>,
): Promise<Buffer> {
  const busybox = await readFile(await findBusybox());
  const folders = ['bin', 'dev', 'etc', 'modules', 'proc', 'share', 'sys', 'tmp'];
  const entries: CpioEntry[] = [
    ...folders.map((path) => ({ path, mode: fileModes.folder })),
    { path: 'bin/busybox', mode: fileModes.program, data: busybox },
    ...busyboxApplets.map((name) => ({ path: `bin/${name}`, mode: fileModes.link, data: Buffer.from('busybox') })),
    ...[...modules].map(([name, data]) => ({ path: `modules/${name}`, mode: fileModes.file, data })),
    { path: 'job', mode: fileModes.program, data: Buffer.from(job) },
    {
      path: 'init',
      mode: fileModes.program,
      data: Buffer.from(initScript({ ...init, modules: [...modules.keys()] })),
    },
  ];
  return writeCpio(entries);
}
