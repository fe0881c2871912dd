import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProcessError, run } from '#libs/process';
import { KernelImageError } from './errors.js';

/** Variables that the kernel's top Makefile exports to the build of each folder (KBUILD_CFLAGS, LINUXINCLUDE, CC …). */
export type KbuildEnvironment = Readonly<Record<string, string>>;

/**
 * The top Makefile stands in for itself: it is run as for an external module (so that it neither configures nor builds
 * anything), and prints what it would hand down. The last three are what it hands to ./Kbuild in a build of the kernel.
 */
const probe = `include Makefile
splicecast-environment:
	@env -0; printf '%s\\0' 'ARCH_CORE=$(core-y)' 'ARCH_LIB=$(filter %/, $(libs-y))' 'ARCH_DRIVERS=$(drivers-y) $(drivers-m)'
`;

/** Of the probing process, not of the kernel's build. */
const transient =
  /^(?:MAKEFLAGS|MFLAGS|MAKEOVERRIDES|MAKELEVEL|MAKE_TERM\w+|KBUILD_EXTMOD|extmod_prefix|M|MODORDER|MODULES_NSDEPS|PWD|OLDPWD|SHLVL|SHELL|_|PATH|HOME|LC_ALL|abs_srctree|abs_objtree)$/;

/**
 * Asks the headers' own Makefiles with which flags the vendor's kernel is compiled.
 * @param headers folder of the merged headers tree
 * @throws KernelImageError `kbuild-failed`
 */
export async function probeKbuild(headers: string): Promise<KbuildEnvironment> {
  const folder = await mkdtemp(join(tmpdir(), 'splicecast-probe-'));
  try {
    await writeFile(join(folder, 'probe.mk'), probe);
    // sub_make_done keeps the Makefile from starting itself anew (it would forget the probe).
    const args = ['-rRs', '--no-print-directory', '-f', join(folder, 'probe.mk'), 'sub_make_done=1'];
    args.push(`abs_srctree=${headers}`, `abs_objtree=${headers}`, `KBUILD_EXTMOD=${folder}`, 'splicecast-environment');
    const { stdout } = await run('make', args, {
      cwd: headers,
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' },
      timeoutMs: 60_000,
      maxOutputBytes: 1024 * 1024,
    });
    return readEnvironment(stdout.toString('utf8'));
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    throw new KernelImageError('kbuild-failed', `the headers' Makefile: ${error.message}\n${error.stderr}`.trim());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readEnvironment(text: string): KbuildEnvironment {
  const environment: Record<string, string> = {};
  for (const line of text.split('\0')) {
    const equals = line.indexOf('=');
    const name = line.slice(0, Math.max(equals, 0));
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !transient.test(name)) environment[name] = line.slice(equals + 1);
  }
  for (const needed of ['CC', 'KBUILD_CFLAGS', 'LINUXINCLUDE', 'KBUILD_CPPFLAGS', 'SRCARCH']) {
    if (!environment[needed]?.trim()) {
      throw new KernelImageError('kbuild-failed', `the headers' Makefile sets no ${needed}`);
    }
  }
  return environment;
}
