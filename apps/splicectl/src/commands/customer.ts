import type { Command } from 'commander';
import { connect } from '../connection.js';
import { recordSchema } from '../output.js';
import { resourceCommand, show } from './resource.js';

/** `splicectl customer list|show|add` */
export function customerCommand(): Command {
  const command = resourceCommand('customer', 'customers', ['customerId', 'name', 'email']);
  command
    .command('add <name>')
    .description('register a customer')
    .option('--email <address>')
    .option('--organisation <name>', 'its name or domain: customers of one organisation share its trials')
    .option('--json', 'for programs')
    .action(
      async (
        name: string,
        { json, ...known }: { email?: string; organisation?: string; json?: boolean },
        self: Command,
      ) => {
        show(await connect(self).post('/v1/customers', { name, ...known }, recordSchema), json);
      },
    );
  return command;
}
