import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BlobStore } from '#libs/blobs';
import { noticeRoles, parseEnvelope } from '#libs/tuf';
import { CeremonyFolder } from '../adapters/ceremony-folder.js';
import { LiveTrust } from '../projections/live-trust.js';
import { Publisher } from './publisher.js';

const roleReportSchema = z.object({ version: z.int().positive(), expiresAt: z.iso.datetime() });

/** How the signed metadata stands: each role as it was last published, if it was. */
export const metadataReportSchema = z.object({
  schema: z.literal(1),
  root: roleReportSchema.optional(),
  targets: roleReportSchema.extend({ channels: z.array(z.string()) }).optional(),
  snapshot: roleReportSchema.optional(),
  timestamp: roleReportSchema.optional(),
  ceremony: z.enum(['here', 'elsewhere']).describe('Whether the service itself holds the offline keys.'),
  waiting: z
    .array(z.object({ channel: z.string(), bundles: z.int().positive() }))
    .describe('Bundles that wait for the top-level targets to name their channel.'),
});
export type MetadataReport = z.infer<typeof metadataReportSchema>;

const maxFileBytes = 16 * 1024 * 1024;

@Injectable()
export class MetadataStatus {
  constructor(
    private readonly live: LiveTrust,
    private readonly blobs: BlobStore,
    private readonly publisher: Publisher,
    private readonly ceremony: CeremonyFolder,
  ) {}

  async report(): Promise<MetadataReport> {
    await this.live.caughtUp();
    const targets = await this.read('targets');
    const channels = targets?.delegations?.roles.map(({ name }) => name).filter((name) => !isNotice(name)) ?? [];
    const root = await this.read('root');
    const snapshot = await this.read('snapshot');
    const timestamp = await this.read('timestamp');
    return {
      schema: 1,
      ...(root === undefined ? {} : { root: reportOf(root) }),
      ...(targets === undefined ? {} : { targets: { ...reportOf(targets), channels } }),
      ...(snapshot === undefined ? {} : { snapshot: reportOf(snapshot) }),
      ...(timestamp === undefined ? {} : { timestamp: reportOf(timestamp) }),
      ceremony: (await this.ceremony.holders(false)) === undefined ? 'elsewhere' : 'here',
      waiting: [...this.publisher.waiting()].map(([channel, bundles]) => ({ channel, bundles })),
    };
  }

  private async read<K extends 'root' | 'targets' | 'snapshot' | 'timestamp'>(
    role: K,
  ): Promise<ReturnType<typeof parseEnvelope<K>>['role'] | undefined> {
    const newest = this.live.metadata.newest(role);
    if (newest === undefined || (await this.blobs.stat(newest.digest)) === undefined) return undefined;
    return parseEnvelope(role, await this.blobs.read(newest.digest, maxFileBytes)).role;
  }
}

function reportOf({
  version,
  expiresMs,
}: {
  readonly version: number;
  readonly expiresMs: number;
}): z.infer<typeof roleReportSchema> {
  return { version, expiresAt: new Date(expiresMs).toISOString() };
}

function isNotice(name: string): boolean {
  return (noticeRoles as readonly string[]).includes(name);
}
