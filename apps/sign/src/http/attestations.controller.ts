import { Controller, Get, Param, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import { BlobStore } from '#libs/blobs';
import { decodeStatement, defaultArchiveLimits, openBundle, statementMediaType, statementSchema } from '#libs/bundle';
import { AdminGuard, Answers, Needs, Problem } from '#libs/service';
import { openEnvelope, verifyAttestations } from '#libs/trust';
import { Keyring } from '../ports.js';
import { LiveTrust } from '../projections/live-trust.js';

/** What is attested of a bundle. */
export const attestationsSchema = z.object({
  schema: z.literal(1),
  bundleId: z.string(),
  attestations: z.array(
    z.object({
      path: z.string(),
      predicateType: z.string(),
      keyIds: z.array(z.string()).describe('Keys of this service that have signed it.'),
      statement: statementSchema,
      envelope: z.base64().describe('The DSSE envelope as it is in the bundle: for other tools.'),
    }),
  ),
});

/** What is attested of a signed bundle, looked at as an agent would before it is told. */
@Controller('v1/bundles/:id/attestations')
@UseGuards(AdminGuard)
export class AttestationsController {
  constructor(
    private readonly live: LiveTrust,
    private readonly blobs: BlobStore,
    private readonly keyring: Keyring,
  ) {}

  @Get()
  @Needs('viewer')
  @Answers(attestationsSchema, 'What is attested of it; nothing of a bundle from before bundles were attested')
  async list(@Param('id') id: string): Promise<z.infer<typeof attestationsSchema>> {
    await this.live.caughtUp();
    const bundle = this.live.wanted.bundle(id);
    if (bundle === undefined) throw Problem.notFound('bundle', id.slice(0, 64));
    const opened = await openBundle(await this.blobs.read(bundle.artefact, defaultArchiveLimits.packedBytes));
    const keys = this.keyring.trustKeys();
    verifyAttestations(opened, keys);
    const attestations = opened.attestations.map(({ path, predicateType, envelope }) => {
      const { payload, keyIds } = openEnvelope(envelope, statementMediaType, keys);
      return {
        path,
        predicateType,
        keyIds: [...keyIds],
        statement: decodeStatement(payload),
        envelope: envelope.toString('base64'),
      };
    });
    return { schema: 1, bundleId: id, attestations };
  }
}
