import { basename } from 'node:path';
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { z } from 'zod';
import type { ServiceClient } from '#libs/client';
import { connect } from '../connection.js';
import { recordSchema } from '../output.js';
import { listVerb, resourceCommand, show } from './resource.js';

/** Sends a file to the service's blob store, with a bar where somebody watches. */
export async function uploadFile(client: ServiceClient, file: string): Promise<{ digest: string; sizeBytes: number }> {
  const bar = new SingleBar({
    format: `${basename(file)} {bar} {percentage} %`,
    clearOnComplete: true,
    stream: process.stderr,
    noTTYOutput: false,
  });
  bar.start(1, 0);
  try {
    return await client.upload(file, (sent, total) => {
      bar.setTotal(total);
      bar.update(sent);
    });
  } finally {
    bar.stop();
  }
}

const publicSchema = z.object({ path: z.string() });

interface IngestOptions {
  readonly product: string;
  readonly base?: string;
  readonly json?: boolean;
}

/** `splicectl ingest FILE --product P [--base DROP]` */
export function ingestCommand(): Command {
  return new Command('ingest')
    .description('hand a source drop to the running service: a linux-source .deb, a tar.*, or an SRPM')
    .argument('<file>')
    .requiredOption('--product <name>', 'the line of kernels it belongs to, e.g. debian-linux')
    .option('--base <drop>', 'the drop that it follows: the step from there is split')
    .option('--json', 'for programs')
    .action(async (file: string, options: IngestOptions, self: Command) => {
      const client = connect(self);
      const { digest } = await uploadFile(client, file);
      const request = { product: options.product, fileName: basename(file), archive: digest, base: options.base };
      show(await client.post('/v1/drops', request, recordSchema), options.json);
    });
}

/** `splicectl drop list|show|commits`; a drop that is public is shown with where to clone it from. */
export function dropCommand(): Command {
  const columns = ['dropId', 'product', 'version', 'state', 'files', 'commits'];
  const command = resourceCommand('drop', 'drops', columns, ({ redpatch }, url) => {
    const found = publicSchema.safeParse(redpatch);
    return found.success ? { clone: `${url}${found.data.path}` } : {};
  });
  listVerb(command, {
    verb: 'commits <drop>',
    description: 'the commits that a drop was split into',
    path: (drop = '') => `/v1/drops/${encodeURIComponent(drop)}/commits`,
    columns: ['commit', 'kind', 'confidence', 'subject', 'cves'],
  });
  return command;
}
