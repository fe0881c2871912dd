import { Command } from 'commander';
import { z } from 'zod';
import { printable } from '#libs/terminal';
import { connect } from '../connection.js';
import { printJson, printRecord, printTable, recordSchema, type ResourceRecord } from '../output.js';

/** A page of a list. */
const pageSchema = z.object({ items: z.array(recordSchema), nextCursor: z.string().nullish() });

interface ListOptions {
  readonly limit: string;
  readonly cursor?: string;
  readonly sort?: string;
  readonly asOf?: string;
  readonly filter?: readonly string[];
  readonly json?: boolean;
}

/** Shows what a command answered: JSON for programs, a line a member for people. */
export function show(record: ResourceRecord, json?: boolean): void {
  if (json) printJson(record);
  else printRecord(record);
}

/** What else is told of a record, given the service's address. */
type Addition = (record: ResourceRecord, url: string) => ResourceRecord;

/** A list of the service: how its verb is called, where it is (given the verb's arguments), and what of it people are shown. */
export interface Listing {
  /** With its arguments: `timeline <machine>`. */
  readonly verb: string;
  readonly description: string;
  readonly path: (...args: readonly string[]) => string;
  readonly columns: readonly string[];
}

/** Adds a verb that lists: by pages, filtered, sorted, as of any moment. */
export function listVerb(command: Command, { verb, description, path, columns }: Listing): void {
  command
    .command(verb)
    .description(description)
    .option('--limit <n>', 'how many at the most', '50')
    .option('--cursor <cursor>', 'go on where a page ended (its nextCursor)')
    .option('--sort <name>', 'what by; with a - before it the other way round')
    .option('--as-of <moment>', 'as it was then: a time (ISO 8601) or a position of the log')
    .option('--filter <name=value...>', 'only those with this value, e.g. state=refused')
    .option('--json', 'for programs')
    .action(async (...given: unknown[]) => {
      const self = given.pop() as Command;
      const options = given.pop() as ListOptions;
      const client = connect(self);
      const page = await client.get(`${path(...(given as string[]))}?${queryOf(options).toString()}`, pageSchema);
      if (options.json) {
        printJson(page);
        return;
      }
      printTable(columns, page.items);
      if (page.nextCursor) process.stderr.write(`there is more: --cursor ${printable(page.nextCursor)}\n`);
    });
}

function queryOf({ limit, cursor, sort, asOf, filter = [] }: ListOptions): URLSearchParams {
  const query = new URLSearchParams({ limit });
  for (const [name, value] of Object.entries({ cursor, sort, asOf })) if (value !== undefined) query.set(name, value);
  for (const one of filter) {
    const [name = '', ...value] = one.split('=');
    query.set(name, value.join('='));
  }
  return query;
}

/** Adds a verb that shows one thing, as of any moment. `what` names its argument. */
export function showVerb(
  command: Command,
  path: (id: string) => string,
  {
    verb = 'show <id>',
    description = 'show one with all that is known of it',
    addition = () => ({}),
  }: ShowOptions = {},
): void {
  command
    .command(verb)
    .description(description)
    .option('--as-of <moment>', 'as it was then: a time (ISO 8601) or a position of the log')
    .option('--json', 'for programs')
    .action(async (id: string, options: { asOf?: string; json?: boolean }, self: Command) => {
      const client = connect(self);
      const query = options.asOf === undefined ? '' : `?asOf=${encodeURIComponent(options.asOf)}`;
      const record = await client.get(`${path(id)}${query}`, recordSchema);
      show({ ...record, ...addition(record, client.url) }, options.json);
    });
}

interface ShowOptions {
  readonly verb?: string;
  readonly description?: string;
  readonly addition?: Addition;
}

/**
 * A command with `list` and `show` for one resource of the catalog; `columns` are what a list shows to people, and `addition` goes
 * with the one that is shown.
 */
export function resourceCommand(
  name: string,
  resource: string,
  columns: readonly string[],
  addition: Addition = () => ({}),
): Command {
  const command = new Command(name).description(`${resource} of the running service`);
  listVerb(command, { verb: 'list', description: `list ${resource}`, path: () => `/v1/${resource}`, columns });
  showVerb(command, (id) => `/v1/${resource}/${encodeURIComponent(id)}`, { addition });
  return command;
}
