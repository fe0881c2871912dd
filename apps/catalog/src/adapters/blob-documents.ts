import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BlobStore } from '#libs/blobs';
import { type Digest, type LevelContent, levelContentSchema, type Series, seriesSchema } from '#libs/contracts';
import { Documents, type HunkMap } from '../ports.js';
import { ProjectionError } from '../projections/errors.js';

const maxDocumentBytes = 256 * 1024 * 1024;
const place = z.int().nonnegative();

/** Of a report, what says whose each change is. Reports before version 2 had no such map. */
const mappedSchema = z.object({
  schema: z.literal(2),
  files: z.array(
    z.object({
      path: z.string().max(4096),
      hunks: z.array(z.tuple([place, place, place, place, z.array(z.tuple([place, z.number()]))])),
    }),
  ),
});
const reportSchema = z.union([mappedSchema, z.object({ schema: z.int().max(1) })]);

/** The documents in the blob store, as JSON. */
@Injectable()
export class BlobDocuments extends Documents {
  constructor(private readonly blobs: BlobStore) {
    super();
  }

  series(digest: Digest): Promise<Series> {
    return this.read(digest, 'series', seriesSchema);
  }

  levelContent(digest: Digest): Promise<LevelContent> {
    return this.read(digest, 'content of a level', levelContentSchema);
  }

  async hunkMap(digest: Digest): Promise<HunkMap> {
    const report = await this.read(digest, 'report', reportSchema);
    if (!('files' in report)) return [];
    return report.files.map(({ path, hunks }) => ({
      path,
      hunks: hunks.map(([oldStart, oldLines, newStart, newLines, owners]) => ({
        oldStart,
        oldLines,
        newStart,
        newLines,
        owners: owners.map(([ordinal, confidence]) => ({ ordinal, confidence })),
      })),
    }));
  }

  private async read<T>(digest: Digest, what: string, schema: z.ZodType<T>): Promise<T> {
    const parsed = schema.safeParse(jsonOf(digest, await this.blobs.read(digest, maxDocumentBytes)));
    if (parsed.success) return parsed.data;
    throw new ProjectionError('malformed-blob', `blob ${digest} is no ${what}: ${z.prettifyError(parsed.error)}`);
  }
}

function jsonOf(digest: Digest, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new ProjectionError('malformed-blob', `blob ${digest} is no JSON`, { cause: error });
  }
}
