import type { Command } from 'commander';
import { connect } from '../connection.js';
import { recordSchema } from '../output.js';
import { listVerb, resourceCommand, show } from './resource.js';

const pathOf = (machine = ''): string => `/v1/machines/${encodeURIComponent(machine)}`;

/** `splicectl machine list|show|timeline|release|retire` */
export function machineCommand(): Command {
  const columns = ['machineId', 'hostname', 'effectiveKernel', 'state', 'lastSeen'];
  const command = resourceCommand('machine', 'machines', columns);
  listVerb(command, {
    verb: 'timeline <machine>',
    description: 'its history, with its licences’ and its bundles’',
    path: (machine) => `${pathOf(machine)}/timeline`,
    columns: ['at', 'position', 'type', 'text'],
  });
  unseatVerb(
    command,
    'release',
    'release',
    'free its seat; what is applied stays, and `splicecast register` brings it back',
  );
  unseatVerb(command, 'retire', 'retirement', 'free its seat for good: its key never gets anything new again');
  return command;
}

function unseatVerb(command: Command, verb: string, path: string, description: string): void {
  command
    .command(`${verb} <machine>`)
    .description(description)
    .requiredOption('--reason <text>', 'why; the machine shows it')
    .option('--json', 'for programs')
    .action(async (machine: string, options: { reason: string; json?: boolean }, self: Command) => {
      show(
        await connect(self).post(`${pathOf(machine)}/${path}`, { reason: options.reason }, recordSchema),
        options.json,
      );
    });
}
