import { join } from 'node:path';
import { readText } from './bounded-file.js';
import type { LoaderErrorCode } from './errors.js';

/** Something that would make the kernel refuse each live patch: found out before one is tried. */
export interface Obstacle {
  readonly code: Extract<
    LoaderErrorCode,
    'unsupported-kernel' | 'not-permitted' | 'lockdown' | 'signature-required' | 'program-missing'
  >;
  readonly reason: string;
  /** What to do about it. */
  readonly advice: string;
}

/** @param root the file system's root; another one in tests. */
export async function findObstacles(root: string, uid: number): Promise<Obstacle[]> {
  const obstacles: Obstacle[] = [];
  if ((await readText(join(root, 'proc/self/patch_state'))) === undefined) {
    obstacles.push({
      code: 'unsupported-kernel',
      reason: 'this kernel has no live patching (CONFIG_LIVEPATCH)',
      advice: 'boot a kernel of the distribution that has it, as its stock amd64 kernels do',
    });
  }
  if (uid !== 0) {
    obstacles.push({
      code: 'not-permitted',
      reason: 'only root may load live patches',
      advice: 'run this as root',
    });
  }
  if ((await readText(join(root, 'proc/sys/kernel/modules_disabled'))) === '1') {
    obstacles.push({
      code: 'not-permitted',
      reason: 'kernel.modules_disabled is set: no module can be loaded until the next boot',
      advice: 'remove the setting from sysctl.conf and reboot once',
    });
  }
  // `none [integrity] confidentiality`: the one in brackets holds. The file is root's, and securityfs may not be mounted.
  const lockdown = await readText(join(root, 'sys/kernel/security/lockdown')).catch(() => undefined);
  const mode = /\[(\w+)\]/.exec(lockdown ?? '')?.[1];
  if (mode !== undefined && mode !== 'none') {
    obstacles.push({
      code: 'lockdown',
      reason: `the kernel is locked down (${mode}): it loads only modules that are signed by a key that it knows`,
      advice: 'switch Secure Boot off, or boot with lockdown=none',
    });
  }
  if ((await readText(join(root, 'sys/module/module/parameters/sig_enforce'))) === 'Y') {
    obstacles.push({
      code: 'signature-required',
      reason: 'module.sig_enforce is set: the kernel loads only modules that are signed by a key that it knows',
      advice: 'boot without module.sig_enforce',
    });
  }
  return obstacles;
}
