import { Controller, Get, Head, Param, Req, Res, type StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { BlobStore } from '#libs/blobs';
import { EntitledBundles } from '../entitled-bundles.js';
import type { MachineRequest } from '../machine-gate.js';
import { sendArtefact, sendArtefactHead } from './artefact-reply.js';
import { ArtefactApi, ArtefactHeadApi } from './machine-api.js';

/** Serves artefacts to machines that may have them, whole or in ranges. */
@Controller('v1/bundles')
export class BundlesController {
  constructor(
    private readonly entitled: EntitledBundles,
    private readonly blobs: BlobStore,
  ) {}

  @Head(':id/artefact')
  @ArtefactHeadApi()
  async head(
    @Req() request: MachineRequest,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<undefined> {
    return sendArtefactHead(request, reply, await this.entitled.bundleFor(request, id));
  }

  @Get(':id/artefact')
  @ArtefactApi()
  async get(
    @Req() request: MachineRequest,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile | undefined> {
    return sendArtefact(request, reply, await this.entitled.bundleFor(request, id), this.blobs);
  }
}
