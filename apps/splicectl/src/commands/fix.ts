import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { connect } from '../connection.js';
import { recordSchema } from '../output.js';
import { resourceCommand, show } from './resource.js';

interface ProposeOptions {
  readonly kernel: string;
  readonly drop?: string;
  readonly limit?: string;
  readonly cveOnly?: boolean;
  readonly commit?: readonly string[];
  readonly patch?: string;
  readonly subject?: string;
  readonly json?: boolean;
}

async function proposal(options: ProposeOptions, self: Command): Promise<object> {
  const { kernel: kernelId, drop: dropId, limit, cveOnly, commit: commits, patch, subject } = options;
  if (patch !== undefined) {
    if (subject === undefined) self.error('--patch needs --subject');
    return { kernelId, patch: { subject, text: await readFile(patch, 'utf8') } };
  }
  if (dropId === undefined)
    self.error('say which fixes: --drop DROP (with --limit, --cve-only or --commit), or --patch FILE');
  return { kernelId, dropId, select: { commits, cveOnly, limit: limit === undefined ? undefined : Number(limit) } };
}

/** `splicectl fix list|show|propose` */
export function fixCommand(): Command {
  const command = resourceCommand('fix', 'fixes', ['fixId', 'kernelId', 'state', 'subject', 'cves']);
  command
    .command('propose')
    .description('have live patches built for a kernel')
    .requiredOption('--kernel <kernel>', 'the kernel they are for')
    .option('--drop <drop>', 'take commits of this split drop')
    .option('--limit <n>', 'at most so many, the most promising first')
    .option('--cve-only', 'only commits that name a CVE')
    .option('--commit <sha...>', 'these commits')
    .option('--patch <file>', 'a patch of your own instead (git’s form, -p1)')
    .option('--subject <text>', 'what the patch is called')
    .option('--json', 'for programs')
    .action(async (options: ProposeOptions, self: Command) => {
      show(await connect(self).post('/v1/fixes', await proposal(options, self), recordSchema), options.json);
    });
  return command;
}
