import { Controller, Get, Param, Post, Query, Req, Res, UseFilters } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ApiBody, ApiConsumes, ApiForbiddenResponse, ApiOperation, ApiQuery } from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { pipeline } from 'node:stream/promises';
import { AnswersBytes, Problem } from '#libs/service';
import { type GitAsk, GitServing } from '../git-serving.js';
import { GitProblemFilter } from './git-problem.filter.js';
import { askedOf, maxAskedBytes, requestType } from './git-request.js';

const repositoryPath = /^([a-z0-9][a-z0-9-]{0,63})\.git$/;
/** Before protocol 2 the advertisement began with a line of its own: a packet of 30 bytes, and a flush (gitprotocol-http(5)). */
const serviceLine = '001e# service=git-upload-pack\n0000';
const noStore = { 'cache-control': 'no-cache, max-age=0, must-revalidate', expires: 'Fri, 01 Jan 1980 00:00:00 GMT' };

/** Everybody may clone: `git clone http://…/redpatch/<product>.git`. Git's smart HTTP protocol, and of it only what reads. */
@Controller('redpatch')
@UseFilters(GitProblemFilter)
export class GitController {
  constructor(
    private readonly git: GitServing,
    adapterHost: HttpAdapterHost,
  ) {
    // Git's bodies are streams to us, of whichever kind: also what is refused must not be read first.
    const options = { bodyLimit: maxAskedBytes };
    const http: FastifyInstance = adapterHost.httpAdapter.getInstance();
    http.addContentTypeParser(/^application\/x-git-/, options, (_request, payload, done) => done(null, payload));
  }

  @Get(':repository/info/refs')
  @ApiOperation({ summary: 'What a repository has, for git' })
  @ApiQuery({ name: 'service', enum: ['git-upload-pack'] })
  @AnswersBytes('application/x-git-upload-pack-advertisement', 'Its branches and tags, or what protocol 2 can do')
  async advertise(
    @Param('repository') repository: string,
    @Query('service') service: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (service === 'git-receive-pack') throw readOnly();
    if (service !== 'git-upload-pack') throw smartOnly();
    const ask = askOf(repository, request, reply);
    const prefix = ask.protocol === 'version=2' ? '' : serviceLine;
    await this.answer(ask, 'advertisement', reply, prefix);
  }

  @Post(':repository/git-upload-pack')
  @ApiOperation({ summary: 'Negotiates and sends a pack, for git' })
  @ApiConsumes(requestType)
  @ApiBody({ description: 'What git wants and has; gzip is taken.', schema: { type: 'string', format: 'binary' } })
  @AnswersBytes('application/x-git-upload-pack-result', 'What git asked for: refs, or a pack')
  async uploadPack(
    @Param('repository') repository: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const ask = { ...askOf(repository, request, reply), body: () => askedOf(request.raw) };
    await this.answer(ask, 'result', reply);
  }

  @Post(':repository/git-receive-pack')
  @ApiOperation({ summary: 'Refused: what is published is never changed from outside' })
  @ApiForbiddenResponse({
    description: 'The code `read-only`, whatever is pushed; git is told in plain text',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  })
  receivePack(): never {
    throw readOnly();
  }

  private async answer(ask: GitAsk, kind: 'advertisement' | 'result', reply: FastifyReply, prefix = ''): Promise<void> {
    const { bytes, end } = await this.git.answer(ask);
    try {
      reply.hijack();
      reply.raw.writeHead(200, { ...noStore, 'content-type': `application/x-git-upload-pack-${kind}` });
      if (prefix !== '') reply.raw.write(prefix);
      await pipeline(bytes, reply.raw);
    } catch {
      // Too late for an error: the connection ends in the middle, and git says so.
      reply.raw.destroy();
    } finally {
      await end();
    }
  }
}

/** @throws Problem 404 for what can't be a repository's path */
function askOf(repository: string, { headers }: FastifyRequest, reply: FastifyReply): GitAsk {
  const name = repositoryPath.exec(repository)?.[1];
  if (name === undefined) throw Problem.notFound('repository', repository.slice(0, 100));
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const said = headers['git-protocol'];
  return { name, protocol: typeof said === 'string' ? said : undefined, gone: gone.signal };
}

function readOnly(): Problem {
  const detail = 'it shows what a vendor released; nothing can be pushed to it';
  return new Problem({ status: 403, code: 'read-only', title: 'This repository is read-only', detail });
}

function smartOnly(): Problem {
  const detail = 'use a git client that speaks the smart HTTP protocol (1.6.6 or newer)';
  return new Problem({ status: 403, code: 'smart-http-only', title: 'Only smart HTTP is served here', detail });
}
