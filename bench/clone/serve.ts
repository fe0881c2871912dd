import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { PublicRepositories } from '#libs/trees';
import { GitServing } from '../../apps/catalog/src/git-serving.js';
import { GitController } from '../../apps/catalog/src/http/git.controller.js';

/** What of the catalog serves git, alone, at an address of this machine. */
export interface GitServer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

export async function serve(repositories: PublicRepositories): Promise<GitServer> {
  class GitModule {}
  Module({
    controllers: [GitController],
    providers: [{ provide: PublicRepositories, useValue: repositories }, GitServing],
  })(GitModule);
  const adapter = new FastifyAdapter({ forceCloseConnections: true });
  const app = await NestFactory.create<NestFastifyApplication>(GitModule, adapter, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), close: () => app.close() };
}
