import { type Command, Option } from 'commander';
import { connect } from '../connection.js';
import { recordSchema } from '../output.js';
import { attestationsCommand } from './attestations.js';
import { listVerb, resourceCommand, show } from './resource.js';

interface RecallOptions {
  readonly reason: string;
  readonly keep?: true;
  readonly json?: boolean;
}

/** `splicectl bundle list|show|machines|attestations|promote|recall` */
export function bundleCommand(): Command {
  const command = resourceCommand('bundle', 'bundles', ['bundleId', 'kernelId', 'state', 'tier', 'fixId']);
  listVerb(command, {
    verb: 'machines <bundle>',
    description: 'which machines run it, and why, though it was recalled',
    path: (bundle = '') => `/v1/bundles/${encodeURIComponent(bundle)}/machines`,
    columns: ['machineId', 'hostname', 'state', 'runs', 'why'],
  });
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
    .addOption(new Option('--reverse', 'machines that run it take it back at once (the default)').conflicts('keep'))
    .option('--keep', 'machines that run it keep it until their next boot; --reverse may follow later')
    .option('--json', 'for programs')
    .action(async (bundle: string, { reason, keep, json }: RecallOptions, self: Command) => {
      const path = `/v1/bundles/${encodeURIComponent(bundle)}/recall`;
      const wish = { reason, ...(keep === true ? { keep } : {}) };
      show(await connect(self).post(path, wish, recordSchema), json);
    });
  return command.addCommand(attestationsCommand());
}
