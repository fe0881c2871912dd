import { Controller, Get, Param, UseGuards } from '@nestjs/common';
import { BlobStore } from '#libs/blobs';
import { decodeStatement, defaultArchiveLimits, openBundle, type Statement, statementMediaType } from '#libs/bundle';
import { AdminGuard, Needs, Problem } from '#libs/service';
import { openEnvelope, verifyAttestations } from '#libs/trust';
import { Keyring } from '../ports.js';
import { LiveTrust } from '../projections/live-trust.js';

interface AttestationReport {
  readonly path: string;
  readonly predicateType: string;
  /** Keys of this service that have signed it. */
  readonly keyIds: readonly string[];
  readonly statement: Statement;
  /** The DSSE envelope as it is in the bundle, base64: for other tools. */
  readonly envelope: string;
}

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
  async list(
    @Param('id') id: string,
  ): Promise<{ schema: 1; bundleId: string; attestations: readonly AttestationReport[] }> {
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
        keyIds,
        statement: decodeStatement(payload),
        envelope: envelope.toString('base64'),
      };
    });
    return { schema: 1, bundleId: id, attestations };
  }
}
