import { Command } from 'commander';
import { z } from 'zod';
import { connect } from '../connection.js';
import { printJson, printRecord, printTable, recordSchema, type ResourceRecord } from '../output.js';

/** A page of a list. */
export const pageSchema = z.object({ items: z.array(recordSchema), nextCursor: z.string().nullish() });

interface ListOptions {
  readonly limit: string;
  readonly json?: boolean;
  readonly filter?: readonly string[];
}

/** Shows what a command answered: JSON for programs, a line a member for people. */
export function show(record: ResourceRecord, json?: boolean): void {
  if (json) printJson(record);
  else printRecord(record);
}

/** A command with `list` and `show` for one resource of the catalog; `columns` are what a list shows to people. */
export function resourceCommand(name: string, resource: string, columns: readonly string[]): Command {
  const command = new Command(name).description(`${resource} of the running service`);
  command
    .command('list')
    .description(`list ${resource}`)
    .option('--limit <n>', 'how many at the most', '50')
    .option('--filter <name=value...>', 'only those with this value, e.g. state=refused')
    .option('--json', 'for programs')
    .action(async (options: ListOptions, self: Command) => {
      const query = new URLSearchParams({ limit: options.limit });
      for (const filter of options.filter ?? []) {
        const [key = '', ...value] = filter.split('=');
        query.set(key, value.join('='));
      }
      const page = await connect(self).get(`/v1/${resource}?${query.toString()}`, pageSchema);
      if (options.json) printJson(page);
      else printTable(columns, page.items);
    });
  command
    .command('show <id>')
    .description('show one with all that is known of it')
    .option('--json', 'for programs')
    .action(async (id: string, options: { json?: boolean }, self: Command) => {
      show(await connect(self).get(`/v1/${resource}/${encodeURIComponent(id)}`, recordSchema), options.json);
    });
  return command;
}
