import { Command } from 'commander';
import { show } from '../commands/resource.js';
import { connect } from '../connection.js';
import { recordSchema } from '../output.js';
import { readMetadata } from './files.js';
import { type Json, jsonOption } from './options.js';
import { type FileStanding, fileStanding, showStandings } from './standing.js';

interface StatusOptions extends Json {
  readonly root?: string;
  readonly soon: string;
}

/** `splicectl tuf status`: of files, offline; of the service without any. */
export function statusCommand(): Command {
  return new Command('status')
    .description('who has signed files of a ceremony, and when they end; without files, how the service stands')
    .argument('[file...]', 'roots and targets')
    .option('--root <file>', 'the root before, or the one that governs targets')
    .option('--soon <days>', 'exit with 1 for what ends within so many days', '30')
    .addOption(jsonOption())
    .action(async (files: string[], options: StatusOptions, self: Command) => {
      const soonDays = Number(options.soon);
      if (!Number.isInteger(soonDays) || soonDays < 0) self.error('--soon is a number of days');
      if (files.length === 0) return serviceStatus(self, soonDays, options.json);
      const root = options.root === undefined ? undefined : await readMetadata(options.root);
      const standings: FileStanding[] = [];
      for (const file of files) standings.push(fileStanding(file, await readMetadata(file), root, Date.now()));
      showStandings(standings, options.json);
      if (standings.some(({ complete, daysLeft }) => !complete || daysLeft < soonDays)) process.exitCode = 1;
    });
}

/** Exits with 1 for an offline role that ends soon, a timestamp that nobody renews, or bundles that wait for a ceremony. */
async function serviceStatus(self: Command, soonDays: number, json?: boolean): Promise<void> {
  const status = await connect(self).get('/v1/tuf/status', recordSchema);
  show(status, json);
  const endsWithin = (role: string, ms: number): boolean => {
    const expiresAt = recordSchema.safeParse(status[role]).data?.['expiresAt'];
    return typeof expiresAt !== 'string' || Date.parse(expiresAt) - Date.now() < ms;
  };
  const dayMs = 24 * 60 * 60 * 1000;
  const isSoon =
    ['root', 'targets'].some((role) => endsWithin(role, soonDays * dayMs)) || endsWithin('timestamp', dayMs / 2);
  const waits = Array.isArray(status['waiting']) && status['waiting'].length > 0;
  if (isSoon || waits) process.exitCode = 1;
}
