import type { Command } from 'commander';
import { z } from 'zod';
import { ServiceClient } from '#libs/client';

/** What an argument or an option's value names, where the service knows all that there are: its list, and the id's member. */
const resources: Readonly<Record<string, readonly [string, string]>> = {
  bundle: ['bundles', 'bundleId'],
  customer: ['customers', 'customerId'],
  cve: ['cves', 'cveId'],
  drop: ['drops', 'dropId'],
  event: ['events', 'id'],
  fix: ['fixes', 'fixId'],
  kernel: ['kernels', 'kernelId'],
  level: ['levels', 'levelId'],
  license: ['licenses', 'licenseId'],
  machine: ['machines', 'machineId'],
  patch: ['patches', 'commit'],
  token: ['tokens', 'tokenId'],
};
/** Values that there are only a few of. */
const closed: Readonly<Record<string, readonly string[]>> = {
  tier: ['canary', 'early', 'stable'],
  plan: ['trial', 'subscription', 'perpetual'],
  role: ['viewer', 'operator', 'admin'],
};
/** A shell waits for this while somebody presses a key. */
const lookUpMs = 1_000;

/**
 * The words that may stand where the last of `words` is being written.
 * @param words what stands after the program's name; the last one may be empty, or begun
 */
export async function candidates(program: Command, words: readonly string[]): Promise<readonly string[]> {
  const begun = words.at(-1) ?? '';
  const { command, before, args } = walk(program, words.slice(0, -1));
  const option = command.options.find(
    ({ long, short }) => before !== undefined && (long === before || short === before),
  );
  const all =
    option !== undefined && option.flags.includes('<')
      ? await valuesOf(/<([a-z-]+)/.exec(option.flags)?.[1] ?? '', program)
      : [...(begun.startsWith('-') ? optionsOf(command) : await wordsOf(command, args, program))];
  return all.filter((word) => word.startsWith(begun)).toSorted();
}

/** Follows the words down the tree of commands. */
function walk(program: Command, words: readonly string[]) {
  let command = program;
  let args: string[] = [];
  let before: string | undefined;
  for (const word of words) {
    const takesValue = valueOption(command, before);
    before = word;
    if (takesValue || word.startsWith('-')) continue;
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) args.push(word);
    else [command, args] = [next, []];
  }
  return { command, before, args };
}

function valueOption(command: Command, word: string | undefined): boolean {
  return command.options.some(
    ({ long, short, flags }) => word !== undefined && [long, short].includes(word) && flags.includes('<'),
  );
}

function optionsOf(command: Command): readonly string[] {
  return ['--help', ...command.options.flatMap(({ long, hidden }) => (long === undefined || hidden ? [] : [long]))];
}

/** The verbs below a command; of a verb, what its next argument names. */
async function wordsOf(command: Command, args: readonly string[], program: Command): Promise<readonly string[]> {
  if (command.commands.length > 0)
    return command.commands.map((one) => one.name()).filter((name) => !name.startsWith('__'));
  const argument = command.registeredArguments[args.length]?.name();
  if (argument === undefined) return [];
  if (argument === 'shell') return ['bash', 'zsh'];
  return valuesOf(argument === 'id' ? (command.parent?.name() ?? '') : argument, program);
}

const pageSchema = z.object({ items: z.array(z.record(z.string(), z.unknown())) });

/** What there is of something now. Nothing, where nobody answers: a shell shows no errors. */
async function valuesOf(name: string, program: Command): Promise<readonly string[]> {
  const few = closed[name];
  if (few !== undefined) return few;
  const resource = resources[name];
  const token = process.env['SPLICECAST_ADMIN_TOKEN'];
  if (resource === undefined || token === undefined || token === '') return [];
  const [list, member] = resource;
  const { url = process.env['SPLICECAST_URL'] ?? 'http://127.0.0.1:8420' } = program.opts<{ url?: string }>();
  const client = new ServiceClient(url.replace(/\/$/, ''), token);
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, lookUpMs, undefined).unref());
  const page = await Promise.race([client.get(`/v1/${list}?limit=200`, pageSchema).catch(() => undefined), late]);
  return (page?.items ?? []).flatMap((item) => (typeof item[member] === 'string' ? [item[member]] : []));
}
