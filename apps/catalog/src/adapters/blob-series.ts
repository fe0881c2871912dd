import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BlobStore } from '#libs/blobs';
import { type Digest, type Series, seriesSchema } from '#libs/contracts';
import { SeriesSource } from '../ports.js';
import { ProjectionError } from '../projections/errors.js';

const maxSeriesBytes = 256 * 1024 * 1024;

/** The series in the blob store, as JSON. */
@Injectable()
export class BlobSeries extends SeriesSource {
  constructor(private readonly blobs: BlobStore) {
    super();
  }

  async read(digest: Digest): Promise<Series> {
    const bytes = await this.blobs.read(digest, maxSeriesBytes);
    const parsed = seriesSchema.safeParse(jsonOf(digest, bytes));
    if (parsed.success) return parsed.data;
    throw new ProjectionError('malformed-blob', `blob ${digest} is no series: ${z.prettifyError(parsed.error)}`);
  }
}

function jsonOf(digest: Digest, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new ProjectionError('malformed-blob', `blob ${digest} is no JSON`, { cause: error });
  }
}
