import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { missingProgram } from './errors.js';

export interface QemuOptions {
  readonly kernel: string;
  readonly initramfs: string;
  readonly share: string;
  readonly memoryMb: number;
}

const qemuProgram = 'qemu-system-x86_64';

/**
 * The program and arguments that run a guest in software: `-accel kvm` hangs on nested machines, and a guest that boots
 * everywhere in some seconds is worth more than one that boots here in one.
 * @throws GuestError `program-missing`.
 */
export async function qemuCommand(options: QemuOptions): Promise<{ program: string; args: string[] }> {
  const qemu = await onPath(qemuProgram);
  if (qemu === undefined) throw missingProgram(qemuProgram, 'qemu-system-x86');
  const args = qemuArguments(options);
  // Where it can, the host's kernel ends QEMU with the program that started it, whatever ended that.
  const setpriv = await onPath('setpriv');
  return setpriv === undefined
    ? { program: qemu, args }
    : { program: setpriv, args: ['--pdeathsig', 'KILL', qemu, ...args] };
}

function qemuArguments({ kernel, initramfs, share, memoryMb }: QemuOptions): string[] {
  return [
    ['-accel', 'tcg', '-m', String(memoryMb), '-nographic', '-no-reboot', '-nodefaults', '-serial', 'stdio'],
    ['-kernel', kernel, '-initrd', initramfs, '-append', 'console=ttyS0 panic=-1 quiet nokaslr'],
    ['-fsdev', `local,id=host,path=${comma(share)},security_model=none,readonly=on,multidevs=remap`],
    ['-device', 'virtio-9p-pci,fsdev=host,mount_tag=host'],
    // No boot ROM: iPXE would cost a second and is another package.
    ['-netdev', 'user,id=net', '-device', 'e1000,netdev=net,romfile='],
  ].flat();
}

/** QEMU's option values end at a comma unless it is doubled. */
function comma(value: string): string {
  return value.replaceAll(',', ',,');
}

async function onPath(program: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (folder === '') continue;
    const path = join(folder, program);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}
