import { Command } from 'commander';
import { bundleCommand } from './commands/bundle.js';
import { buildCommand } from './commands/build.js';
import { catalogCommand } from './commands/catalog.js';
import { customerCommand } from './commands/customer.js';
import { dropCommand, ingestCommand } from './commands/ingest.js';
import { fixCommand } from './commands/fix.js';
import { kernelCommand } from './commands/kernel.js';
import { licenseCommand } from './commands/license.js';
import { levelCommand } from './commands/level.js';
import { objdiffCommand } from './commands/objdiff.js';
import { machineCommand } from './commands/machine.js';
import {
  callCommand,
  cveCommand,
  eventCommand,
  functionCommand,
  patchCommand,
  publicationCommand,
} from './commands/reading.js';
import { completionCommand } from './commands/completion.js';
import { splitCommand } from './commands/split.js';
import { tokenCommand } from './commands/token.js';
import { tufCommand } from './commands/tuf.js';

/** The whole command line. */
export function splicectl(): Command {
  const program = new Command('splicectl')
    .description('Splicecast for operators: offline tools for kernels and patches, and the running service')
    .option('--url <url>', 'the running service (SPLICECAST_URL; default http://127.0.0.1:8420)')
    .showHelpAfterError('(add --help for what there is)');

  for (const command of [
    splitCommand(),
    objdiffCommand(),
    kernelCommand(),
    buildCommand(),
    ingestCommand(),
    dropCommand(),
    fixCommand(),
    levelCommand(),
    bundleCommand(),
    customerCommand(),
    licenseCommand(),
    tokenCommand(),
    machineCommand(),
    cveCommand(),
    patchCommand(),
    functionCommand(),
    eventCommand(),
    callCommand(),
    publicationCommand(),
    catalogCommand(),
    tufCommand(),
  ]) {
    program.addCommand(command);
  }
  program.addCommand(completionCommand(program));
  return program;
}
