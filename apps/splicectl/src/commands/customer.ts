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
    .option('--json', 'for programs')
    .action(async (name: string, options: { email?: string; json?: boolean }, self: Command) => {
      show(await connect(self).post('/v1/customers', { name, email: options.email }, recordSchema), options.json);
    });
  return command;
}

interface IssueOptions {
  readonly customer: string;
  readonly plan: string;
  readonly distro: string;
  readonly tier?: string;
  readonly seats?: string;
  readonly expires?: string;
  readonly json?: boolean;
}

/** `splicectl license list|show|issue|revoke` */
export function licenseCommand(): Command {
  const command = resourceCommand('license', 'licenses', ['licenseId', 'customerId', 'kind', 'state', 'expiresAt']);
  command
    .command('issue')
    .description('issue a licence: a trial of 30 days, a subscription, or one without end on the own distribution')
    .requiredOption('--customer <customer>')
    .requiredOption('--plan <plan>', 'trial, subscription or perpetual')
    .requiredOption('--distro <distro>', 'the distribution it covers, e.g. debian')
    .option('--tier <tier>', 'canary, early or stable')
    .option('--seats <n>', 'machines that may use it')
    .option('--expires <time>', 'end of a subscription, ISO 8601')
    .option('--json', 'for programs')
    .action(async (options: IssueOptions, self: Command) => {
      const { customer: customerId, plan, distro, tier, expires: expiresAt } = options;
      const seats = options.seats === undefined ? undefined : Number(options.seats);
      const request = { customerId, plan, distro, tier, seats, expiresAt };
      show(await connect(self).post('/v1/licenses', request, recordSchema), options.json);
    });
  command
    .command('revoke <license>')
    .description('end it now; what machines have applied stays')
    .requiredOption('--reason <text>')
    .option('--json', 'for programs')
    .action(async (license: string, options: { reason: string; json?: boolean }, self: Command) => {
      const path = `/v1/licenses/${encodeURIComponent(license)}`;
      show(await connect(self).delete(path, { reason: options.reason }, recordSchema), options.json);
    });
  return command;
}
