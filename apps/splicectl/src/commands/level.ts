import type { Command } from 'commander';
import { connect } from '../connection.js';
import { recordSchema } from '../output.js';
import { resourceCommand, show } from './resource.js';

interface ProposeOptions {
  readonly kernel: string;
  readonly fix?: readonly string[];
  readonly leaveOut?: boolean;
  readonly json?: boolean;
}

/** `splicectl level list|show|propose` */
export function levelCommand(): Command {
  const command = resourceCommand('level', 'levels', ['levelId', 'state', 'functions', 'fixIds']);
  command
    .command('propose')
    .description('have a cumulative level built: fixes of a kernel as one module that replaces all before it')
    .requiredOption('--kernel <kernel>', 'the kernel that it is for')
    .option('--fix <fix...>', 'these fixes; all whose bundles are promoted by default')
    .option('--leave-out', 'without the fixes that don’t go together with the others, instead of not at all')
    .option('--json', 'for programs')
    .action(async ({ kernel: kernelId, fix: fixIds, leaveOut, json }: ProposeOptions, self: Command) => {
      show(await connect(self).post('/v1/levels', { kernelId, fixIds, leaveOut }, recordSchema), json);
    });
  return command;
}
