import { Command } from 'commander';
import { z } from 'zod';
import { connect } from '../connection.js';
import { printJson, printTable, recordSchema } from '../output.js';
import { rebuildCommand } from './catalog-rebuild.js';
import { show } from './resource.js';

const lettersSchema = z.object({ items: z.array(recordSchema) });

/** `splicectl catalog status|rebuild|dead-letters|replay` */
export function catalogCommand(): Command {
  const command = new Command('catalog').description('the state of the catalog and the log');
  command
    .command('status')
    .description('how far the catalog is behind the log')
    .option('--json', 'for programs')
    .action(async (options: { json?: boolean }, self: Command) => {
      show(await connect(self).get('/v1/status', recordSchema), options.json);
    });
  command.addCommand(rebuildCommand());
  command
    .command('dead-letters')
    .description('what the stages gave up on')
    .option('--json', 'for programs')
    .action(async (options: { json?: boolean }, self: Command) => {
      const letters = await connect(self).get('/v1/dead-letters', lettersSchema);
      if (options.json) printJson(letters);
      else printTable(['id', 'worker', 'position', 'attempts', 'reason', 'at'], letters.items);
    });
  command
    .command('replay <dead-letter>')
    .description('give it to its stage once more')
    .option('--json', 'for programs')
    .action(async (id: string, options: { json?: boolean }, self: Command) => {
      const path = `/v1/dead-letters/${encodeURIComponent(id)}/replay`;
      show(await connect(self).post(path, {}, recordSchema), options.json);
    });
  return command;
}
