import type { Command } from 'commander';
import { connect } from '../connection.js';
import { recordSchema } from '../output.js';
import { numberOf } from './number.js';
import { resourceCommand, show } from './resource.js';

interface IssueOptions {
  readonly name: string;
  readonly role: string;
  readonly expires?: string;
  readonly json?: boolean;
}

/** `splicectl token list|show|issue|rotate|revoke` */
export function tokenCommand(): Command {
  const command = resourceCommand('token', 'tokens', ['tokenId', 'name', 'role', 'state', 'expiresAt']);
  command
    .command('issue')
    .description('give somebody access to this API; the secret is shown once')
    .requiredOption('--name <name>', 'whose it is')
    .requiredOption('--role <role>', 'viewer reads, operator changes things, admin gives tokens too')
    .option('--expires <time>', 'ISO 8601')
    .option('--json', 'for programs')
    .action(async ({ name, role, expires: expiresAt, json }: IssueOptions, self: Command) => {
      show(await connect(self).post('/v1/tokens', { name, role, expiresAt }, recordSchema), json);
    });
  command
    .command('rotate <token>')
    .description('a new secret; the one before works on for a while')
    .option('--overlap <seconds>', 'how long', '3600')
    .option('--json', 'for programs')
    .action(async (token: string, options: { overlap: string; json?: boolean }, self: Command) => {
      const body = { overlapSec: numberOf(options.overlap) };
      show(await connect(self).post(`${pathOf(token)}/rotation`, body, recordSchema), options.json);
    });
  command
    .command('revoke <token>')
    .description('nobody gets in with it any more')
    .requiredOption('--reason <text>')
    .option('--json', 'for programs')
    .action(async (token: string, options: { reason: string; json?: boolean }, self: Command) => {
      show(await connect(self).delete(pathOf(token), { reason: options.reason }, recordSchema), options.json);
    });
  return command;
}

function pathOf(token: string): string {
  return `/v1/tokens/${encodeURIComponent(token)}`;
}
