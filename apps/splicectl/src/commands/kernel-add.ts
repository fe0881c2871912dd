import { basename } from 'node:path';
import { Command } from 'commander';
import { connect } from '../connection.js';
import { recordSchema } from '../output.js';
import { uploadFile } from './ingest.js';
import { show } from './resource.js';

interface AddOptions {
  readonly distro: string;
  readonly image: string;
  readonly headers: readonly string[];
  readonly drop?: string;
  readonly json?: boolean;
}

/** `splicectl kernel add --distro D --image DEB --headers DEB... [--drop DROP]` */
export function kernelAddCommand(): Command {
  return new Command('add')
    .description('hand a kernel’s packages to the running service, so that fixes can be built for it')
    .requiredOption('--distro <name>', 'the distribution, as agents name it (ID in /etc/os-release), e.g. debian')
    .requiredOption('--image <deb>', 'the linux-image package')
    .requiredOption('--headers <deb...>', 'linux-headers-<release>, linux-headers-<abi>-common and linux-kbuild')
    .option('--drop <drop>', 'the source drop that it was built from')
    .option('--json', 'for programs')
    .action(async (options: AddOptions, self: Command) => {
      const client = connect(self);
      const packages: object[] = [];
      for (const file of [options.image, ...options.headers]) {
        const { digest } = await uploadFile(client, file);
        packages.push({ role: file === options.image ? 'image' : 'headers', fileName: basename(file), digest });
      }
      const request = { distro: options.distro, packages, dropId: options.drop };
      show(await client.post('/v1/kernels', request, recordSchema), options.json);
    });
}
