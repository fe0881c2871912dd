import type { Command } from 'commander';
import { connect } from '../connection.js';
import { recordSchema } from '../output.js';
import { resourceCommand, show } from './resource.js';

/** `splicectl bundle list|show|promote|recall` */
export function bundleCommand(): Command {
  const command = resourceCommand('bundle', 'bundles', ['bundleId', 'kernelId', 'state', 'tier', 'fixId']);
  command
    .command('promote <bundle>')
    .description('let a tier’s machines have it, at once')
    .requiredOption('--tier <tier>', 'canary, early or stable')
    .option('--json', 'for programs')
    .action(async (bundle: string, options: { tier: string; json?: boolean }, self: Command) => {
      const path = `/v1/bundles/${encodeURIComponent(bundle)}/promote`;
      show(await connect(self).post(path, { tier: options.tier }, recordSchema), options.json);
    });
  command
    .command('recall <bundle>')
    .description('withdraw it: it is never applied again')
    .requiredOption('--reason <text>', 'why; machines show it')
    .option('--json', 'for programs')
    .action(async (bundle: string, options: { reason: string; json?: boolean }, self: Command) => {
      const path = `/v1/bundles/${encodeURIComponent(bundle)}/recall`;
      show(await connect(self).post(path, { reason: options.reason }, recordSchema), options.json);
    });
  return command;
}
