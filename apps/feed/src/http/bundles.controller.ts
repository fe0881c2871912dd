import { Controller, Get, Head, Param, Req, Res, StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { BlobStore } from '#libs/blobs';
import { Problem } from '#libs/service';
import type { FeedBundle } from '../domain/offer.js';
import { MachineGate, type MachineRequest } from '../machine-gate.js';
import { Updates } from '../updates.js';
import { byteRange, namesTag } from './byte-range.js';

/** Serves artefacts to machines that may have them, whole or in ranges. Their entity tag is their SHA-256: they never change. */
@Controller('v1/bundles')
export class BundlesController {
  constructor(
    private readonly gate: MachineGate,
    private readonly updates: Updates,
    private readonly blobs: BlobStore,
  ) {}

  @Head(':id/artefact')
  async head(
    @Req() request: MachineRequest,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<undefined> {
    const bundle = await this.entitled(request, id);
    describe(reply, bundle);
    if (isKnown(request, bundle)) reply.status(304);
    else reply.header('content-length', bundle.sizeBytes);
  }

  @Get(':id/artefact')
  async get(
    @Req() request: MachineRequest,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile | undefined> {
    const bundle = await this.entitled(request, id);
    if (isKnown(request, bundle)) {
      describe(reply, bundle).status(304);
      return undefined;
    }
    const { artefact, sizeBytes } = bundle;
    const range = byteRange(rangeWanted(request, bundle), sizeBytes);
    if (range === 'unsatisfiable') {
      reply.header('content-range', `bytes */${sizeBytes}`);
      throw new Problem({ status: 416, code: 'bad-range', title: `There are ${sizeBytes} bytes` });
    }
    // Opened before anything is answered: a blob that is missing is a problem document, not a broken download, and no cache
    // is told to keep it.
    const stream = await this.blobs.open(artefact, range);
    describe(reply, bundle);
    if (range === undefined) return new StreamableFile(stream, { type: 'application/gzip', length: sizeBytes });
    const { start, end } = range;
    reply.status(206).header('content-range', `bytes ${start}-${end}/${sizeBytes}`);
    return new StreamableFile(stream, { type: 'application/gzip', length: end - start + 1 });
  }

  private async entitled(request: MachineRequest, bundleId: string): Promise<FeedBundle> {
    const caller = await this.gate.identify(request);
    this.updates.machine(caller);
    await this.gate.admit(caller);
    return this.updates.entitledBundle(caller, await this.gate.lease(request, caller), bundleId);
  }
}

const tagOf = (bundle: FeedBundle): string => `"${bundle.artefact}"`;

/** Says what is served; only of what is served, so that no refusal is kept by a cache. */
function describe(reply: FastifyReply, bundle: FeedBundle): FastifyReply {
  return reply
    .header('etag', tagOf(bundle))
    .header('accept-ranges', 'bytes')
    .header('cache-control', 'private, max-age=31536000, immutable');
}

function isKnown(request: MachineRequest, bundle: FeedBundle): boolean {
  return namesTag(request.headers['if-none-match'], tagOf(bundle));
}

/** A range counts only while the entity is the one that its beginning came from (`If-Range`, strong comparison). */
function rangeWanted(request: MachineRequest, bundle: FeedBundle): string | undefined {
  const condition = request.headers['if-range'];
  return condition === undefined || condition === tagOf(bundle) ? request.headers.range : undefined;
}
