import type { Command } from 'commander';
import type { ImportOptions } from '../kernel/run-import.js';
import { kernelAddCommand } from './kernel-add.js';
import { resourceCommand } from './resource.js';

/** `splicectl kernel import --image DEB --headers DEB... --out PROFILE`, and `add|list|show` of the running service. */
export function kernelCommand(): Command {
  const command = resourceCommand('kernel', 'kernels', ['kernelId', 'distro', 'release', 'version', 'state']);
  command
    .command('import')
    .description('make a kernel profile of the vendor’s packages: offline, no root')
    .requiredOption('--image <deb>', 'the linux-image package')
    .requiredOption('--headers <deb...>', 'linux-headers-<release>, linux-headers-<abi>-common and linux-kbuild')
    .requiredOption('--out <profile>', 'folder to make')
    .option('--json', 'for programs')
    .action(async (options: ImportOptions) => await (await import('../kernel/run-import.js')).runImport(options));
  return command.addCommand(kernelAddCommand());
}
