import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Controller, Post, Req, UseGuards } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiHeader } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BlobError, type BlobRef, BlobStore } from '#libs/blobs';
import { digestSchema } from '#libs/contracts';
import { AdminGuard, Answers, Problem, ZodBody } from '#libs/service';

/** The largest vendor package there is (a kernel's debug symbols) has 1 GB. */
const maxUploadBytes = 4 * 1024 * 1024 * 1024;

const headersSchema = z.object({
  'content-length': z.coerce.number().int().nonnegative().optional(),
  'x-content-sha256': digestSchema.optional(),
});

const blobSchema = z.object({ digest: digestSchema, sizeBytes: z.int().nonnegative() });

/** The request outlives the reading of it, or nobody would hear why it was refused. */
async function* chunksOf(body: Readable): AsyncGenerator {
  for await (const chunk of body.iterator({ destroyOnReturn: false })) yield chunk;
}

/** How long the rest of an upload that was refused is listened to. */
const drainMs = 30_000;

/**
 * Reads away what still comes of a refused upload. Left unread, it would block the connection: the client's next request on it
 * would wait for the server's keep-alive time (72 s) and then be cut off.
 */
function drain(request: IncomingMessage): void {
  request.resume();
  const late = setTimeout(() => request.destroy(), drainMs).unref();
  request.once('close', () => clearTimeout(late));
}

/** Takes bytes into the blob store, as they stream by: `application/octet-stream`, `X-Content-SHA256` if their digest is known. */
@Controller('v1/blobs')
@UseGuards(AdminGuard)
export class BlobsController {
  constructor(private readonly blobs: BlobStore) {}

  @Post()
  @ApiConsumes('application/octet-stream')
  @ApiBody({ description: 'The bytes, at most 4 GiB.', schema: { type: 'string', format: 'binary' } })
  @ApiHeader({ name: 'X-Content-SHA256', required: false, description: 'Their digest: other bytes are refused.' })
  @Answers(blobSchema, 'They are kept under their digest', 201)
  async upload(@Req() request: FastifyRequest): Promise<BlobRef> {
    const headers = new ZodBody(headersSchema).transform(request.headers);
    if (!(request.body instanceof Readable)) {
      const detail = 'send the bytes as application/octet-stream';
      throw new Problem({ status: 415, code: 'unsupported-media-type', title: 'Bytes are needed', detail });
    }
    if ((headers['content-length'] ?? 0) > maxUploadBytes) {
      throw new BlobError('blob-too-large', `at most ${maxUploadBytes} bytes are taken`);
    }
    try {
      const bytes = Readable.from(chunksOf(request.body), { objectMode: false });
      return await this.blobs.put(bytes, { maxBytes: maxUploadBytes, expected: headers['x-content-sha256'] });
    } catch (error) {
      drain(request.raw);
      if (!request.raw.complete && request.raw.destroyed) {
        throw new Problem({ status: 400, code: 'upload-cut-short', title: 'The upload ended too early' });
      }
      throw error;
    }
  }
}
