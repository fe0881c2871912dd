import { Controller, Get, Head, Param, Req, Res, type StreamableFile } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BlobStore } from '#libs/blobs';
import { bundleTargetName, channelOf, recallListSchema } from '#libs/contracts';
import { Answers, Problem } from '#libs/service';
import type { FeedBundle } from '../domain/offer.js';
import { EntitledBundles } from '../entitled-bundles.js';
import type { MachineRequest } from '../machine-gate.js';
import { PackedFiles } from '../packed-files.js';
import { LiveIndex } from '../projections/live-index.js';
import { sendArtefact, sendArtefactHead } from './artefact-reply.js';
import { namesTag } from './byte-range.js';
import { ArtefactApi, ArtefactHeadApi } from './machine-api.js';

/** As sign makes them: one component, in which `%2F` stays what it is. */
const metadataName = /^\/tuf\/metadata\/([A-Za-z0-9._~%-]{1,300}\.json)$/;
const recallListName = /^([0-9a-f]{64})\.recalls\.json$/;
const bundleName = /^([0-9a-f]{64})\.([a-z0-9][a-z0-9-]{0,63})\.tar\.gz$/;

/** TUF § 4.2: what is signed says itself which role's it is. */
const metadataSchema = z.object({
  signatures: z.array(z.object({ keyid: z.string(), sig: z.string() })),
  signed: z.looseObject({ _type: z.string(), version: z.int(), expires: z.iso.datetime() }),
});

const forEver = 'public, max-age=31536000, immutable';

/** The signed metadata, for everybody, and what it vouches for: recalls for everybody, bundles for machines that may have them. */
@Controller('tuf')
export class TufController {
  constructor(
    private readonly live: LiveIndex,
    private readonly files: PackedFiles,
    private readonly entitled: EntitledBundles,
    private readonly blobs: BlobStore,
  ) {}

  /** Clients ask for the root after theirs until there is none: that answer must not be kept, a later root would not be seen. */
  @Get('metadata/*')
  @Answers(metadataSchema, 'A file of the signed metadata; has an `ETag`, for `If-None-Match`')
  async metadata(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Buffer | undefined> {
    // The name as it came: the framework's own reading of it would make `%2F` a slash.
    const name = metadataName.exec(request.originalUrl.split('?')[0] ?? '')?.[1] ?? '';
    const file = this.live.current().metadata.file(name);
    if (file === undefined) throw noSuchFile(reply);
    return this.send(request, reply, file.digest, name === 'timestamp.json' ? 'public, no-cache' : forEver);
  }

  @Get('targets/recall/:file')
  @Answers(recallListSchema, 'A list of what was recalled; has an `ETag`, for `If-None-Match`')
  async recalls(
    @Param('file') name: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Buffer | undefined> {
    const list = this.live.current().metadata.recallList(recallListName.exec(name)?.[1] ?? '');
    if (list === undefined) throw noSuchFile(reply);
    return this.send(request, reply, list.digest, forEver);
  }

  @Head('targets/:channel/:release/:file')
  @ArtefactHeadApi()
  async bundleHead(
    @Param() path: TargetPath,
    @Req() request: MachineRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<undefined> {
    return sendArtefactHead(request, reply, await this.bundle(path, request));
  }

  @Get('targets/:channel/:release/:file')
  @ArtefactApi()
  async bundleBytes(
    @Param() path: TargetPath,
    @Req() request: MachineRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile | undefined> {
    return sendArtefact(request, reply, await this.bundle(path, request), this.blobs);
  }

  /** The bundle at a path, by the same rules as at its other one. */
  private async bundle({ channel, release, file }: TargetPath, request: MachineRequest): Promise<FeedBundle> {
    const [, digest, bundleId = ''] = bundleName.exec(file) ?? [];
    const bundle = await this.entitled.bundleFor(request, bundleId);
    const isThere =
      bundle.artefact === digest &&
      bundleTargetName(bundle.bundleId) === `${bundleId}.tar.gz` &&
      channelOf(bundle.kernel) === channel &&
      bundle.kernel.release === release;
    if (!isThere) throw Problem.notFound('target', bundleId);
    return bundle;
  }

  private async send(
    request: FastifyRequest,
    reply: FastifyReply,
    digest: string,
    cacheControl: string,
  ): Promise<Buffer | undefined> {
    const isPacked = takesGzip(request.headers['accept-encoding']);
    const tag = `"${digest}${isPacked ? '.gz' : ''}"`;
    const { plain, packed } = await this.files.get(digest);
    reply.header('etag', tag).header('cache-control', cacheControl).header('vary', 'accept-encoding');
    if (namesTag(request.headers['if-none-match'], tag)) {
      reply.status(304);
      return undefined;
    }
    reply.type('application/json');
    if (isPacked) reply.header('content-encoding', 'gzip');
    return isPacked ? packed : plain;
  }
}

interface TargetPath {
  readonly channel: string;
  readonly release: string;
  readonly file: string;
}

function noSuchFile(reply: FastifyReply): Problem {
  reply.header('cache-control', 'no-store');
  return new Problem({ status: 404, code: 'not-found', title: 'There is no such file' });
}

/** RFC 9110 § 12.5.3, as far as it goes here: gzip is named, and not by `q=0`. */
function takesGzip(header: string | string[] | undefined): boolean {
  const codings = String(header ?? '')
    .slice(0, 512)
    .split(',');
  return codings.some((coding) => /^\s*(?:gzip|x-gzip)\s*(?:;\s*q=(?!0(?:\.0{0,3})?\s*$)[\d.]+\s*)?$/i.test(coding));
}
