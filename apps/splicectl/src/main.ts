import { Command } from 'commander';
import { bundleCommand } from './commands/bundle.js';
import { buildCommand } from './commands/build.js';
import { catalogCommand } from './commands/catalog.js';
import { customerCommand, licenseCommand } from './commands/customer.js';
import { dropCommand, ingestCommand } from './commands/ingest.js';
import { fixCommand } from './commands/fix.js';
import { kernelCommand } from './commands/kernel.js';
import { objdiffCommand } from './commands/objdiff.js';
import { resourceCommand } from './commands/resource.js';
import { splitCommand } from './commands/split.js';

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
  bundleCommand(),
  customerCommand(),
  licenseCommand(),
  resourceCommand('machine', 'machines', ['machineId', 'hostname', 'effectiveKernel', 'state', 'lastSeen']),
  resourceCommand('cve', 'cves', ['cveId', 'fixes', 'machines']),
  catalogCommand(),
]) {
  program.addCommand(command);
}

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`splicectl: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
