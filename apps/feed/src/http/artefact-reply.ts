import { StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { BlobStore } from '#libs/blobs';
import { Problem } from '#libs/service';
import type { FeedBundle } from '../domain/offer.js';
import type { MachineRequest } from '../machine-gate.js';
import { byteRange, namesTag } from './byte-range.js';

/** Answers with an artefact, whole, in part, or as known. Its entity tag is its SHA-256: it never changes. */
export async function sendArtefact(
  request: MachineRequest,
  reply: FastifyReply,
  bundle: FeedBundle,
  blobs: BlobStore,
): Promise<StreamableFile | undefined> {
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
  const stream = await blobs.open(artefact, range);
  describe(reply, bundle);
  if (range === undefined) return new StreamableFile(stream, { type: 'application/gzip', length: sizeBytes });
  const { start, end } = range;
  reply.status(206).header('content-range', `bytes ${start}-${end}/${sizeBytes}`);
  return new StreamableFile(stream, { type: 'application/gzip', length: end - start + 1 });
}

/** The same without the bytes. */
export function sendArtefactHead(request: MachineRequest, reply: FastifyReply, bundle: FeedBundle): undefined {
  describe(reply, bundle);
  if (isKnown(request, bundle)) reply.status(304);
  else reply.header('content-length', bundle.sizeBytes);
  return undefined;
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
