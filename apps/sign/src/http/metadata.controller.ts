import { Body, Controller, Get, Post, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import { actor, AdminGuard, Answers, Needs, Problem, ZodBody } from '#libs/service';
import { type JsonObject, TufError } from '#libs/tuf';
import { onlineRoles, publicHalves } from '../adapters/metadata-keys.js';
import { OfflineRoles } from '../metadata/offline-roles.js';
import type { Cause } from '../metadata/publications.js';
import { Publisher } from '../metadata/publisher.js';
import { type MetadataReport, metadataReportSchema, MetadataStatus } from '../metadata/status.js';
import { MetadataSigners } from '../ports.js';

const maxFileBytes = 512 * 1024;

const handInSchema = z.strictObject({
  /** Roots and top-level targets, base64: their very bytes, for they are signed and named by digest. */
  files: z.array(z.base64().max(maxFileBytes)).min(1).max(16),
});
type HandIn = z.infer<typeof handInSchema>;
const handInBody = new ZodBody(handInSchema);

const handedInSchema = z.object({
  schema: z.literal(1),
  accepted: z.array(
    z.object({
      role: z.enum(['root', 'targets']),
      version: z.int(),
      expiresAt: z.iso.datetime(),
      known: z.boolean().describe('It was published before; its bytes are there again if they were lost.'),
    }),
  ),
});

/** As metadata carries a key (TUF § 4.2). */
const publicKeySchema = z.object({
  keytype: z.string(),
  scheme: z.string(),
  keyval: z.object({ public: z.string() }),
});
/** What `online-keys` answers. */
export const onlineKeysSchema = z.object({
  schema: z.literal(1),
  keys: z.record(z.enum(onlineRoles), z.array(publicKeySchema)),
});

/** What holders of offline keys and the service hand to each other. */
@Controller('v1/tuf')
@UseGuards(AdminGuard)
export class MetadataController {
  constructor(
    private readonly offline: OfflineRoles,
    private readonly publisher: Publisher,
    private readonly status: MetadataStatus,
    private readonly signers: MetadataSigners,
  ) {}

  /** Takes what a ceremony has signed, all files or none. */
  @Post('metadata')
  @Needs('admin')
  @Answers(handedInSchema, 'All were taken, and are published')
  async handIn(@Body(handInBody) { files }: HandIn): Promise<z.infer<typeof handedInSchema>> {
    const byAdmin: Cause = { actor: actor(), correlationId: 'metadata' };
    try {
      const accepted = await this.offline.accept(
        files.map((file) => Buffer.from(file, 'base64')),
        byAdmin,
      );
      await this.publisher.reconcile(byAdmin);
      return { schema: 1, accepted: [...accepted] };
    } catch (error) {
      if (!(error instanceof TufError)) throw error;
      throw new Problem({
        status: 422,
        code: `metadata-${error.code}`,
        title: 'Clients would refuse this',
        detail: error.message,
      });
    }
  }

  @Get('status')
  @Answers(metadataReportSchema, 'How the signed metadata stands')
  report(): Promise<MetadataReport> {
    return this.status.report();
  }

  /** The public halves of the service's keys, for the ceremony that entitles them. */
  @Get('online-keys')
  @Answers(onlineKeysSchema, 'The public halves of the service’s keys, by role')
  onlineKeys(): { schema: 1; keys: Readonly<Record<string, readonly JsonObject[]>> } {
    return { schema: 1, keys: publicHalves(this.signers) };
  }
}
