import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { connect } from '../connection.js';
import { printJson, printLines, printTable } from '../output.js';

const answerSchema = z.object({
  bundleId: z.string(),
  attestations: z.array(
    z.object({
      path: z.string(),
      predicateType: z.string(),
      keyIds: z.array(z.string()),
      statement: z.record(z.string(), z.unknown()),
      envelope: z.base64(),
    }),
  ),
});

interface Options {
  readonly out?: string;
  readonly json?: boolean;
}

/** `splicectl bundle attestations`: from what and how a bundle was built, as it was signed. */
export function attestationsCommand(): Command {
  return new Command('attestations')
    .description('what is attested of a bundle: how it was built, out of which split, and each function’s hashes')
    .argument('<bundle>')
    .option('--out <folder>', 'write the signed envelopes there (DSSE), for other tools to verify')
    .option('--json', 'for programs: whole statements')
    .action(async (bundle: string, options: Options, self: Command) => {
      const path = `/v1/bundles/${encodeURIComponent(bundle)}/attestations`;
      const { bundleId, attestations } = await connect(self).get(path, answerSchema);
      if (options.out !== undefined) await writeEnvelopes(options.out, attestations);
      if (options.json) return printJson({ bundleId, attestations: attestations.map(withoutEnvelope) });
      if (attestations.length === 0) printLines(`${bundleId} is from before bundles were attested`);
      else printTable(['predicateType', 'path', 'keyIds'], attestations);
    });
}

type Attestation = z.infer<typeof answerSchema>['attestations'][number];

function withoutEnvelope({ envelope: _envelope, ...rest }: Attestation): object {
  return rest;
}

/** @param folder made if it isn't there. Only the last part of a path counts: a name from outside leads nowhere else. */
async function writeEnvelopes(folder: string, attestations: readonly Attestation[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { path, envelope } of attestations) {
    await writeFile(join(folder, basename(path)), Buffer.from(envelope, 'base64'));
  }
}
