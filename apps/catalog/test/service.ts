import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { MemoryBlobStore } from '#libs/blobs';
import { MemoryEventStore } from '#libs/eventstore';
import { MemoryHintPublisher } from '#libs/hints';
import { AdminToken, Clock, createStages, type Platform, ServiceConfig } from '#libs/service';
import { MemoryRequests } from '#libs/transport';
import { GitTreeStore } from '#libs/trees';
import { Catalog } from '../src/catalog.js';
import { CatalogModule } from '../src/catalog.module.js';
import { append, type Append, seriesBytes } from './sample.js';
import { caughtUp, later, temporaryFolder } from './stand.js';

const adminToken = 'the-operators-own-token-0';

class FixedClock extends Clock {
  now(): Date {
    return new Date('2026-11-23T12:00:00.000Z');
  }
}

/** The catalog as a process serves it, over in-memory twins of the stores. */
export class CatalogService {
  private constructor(
    readonly app: NestFastifyApplication,
    readonly events: MemoryEventStore,
    readonly requests: MemoryRequests,
  ) {}

  static async start(others: readonly { name: string; module: Type }[] = []): Promise<CatalogService> {
    const dataDir = await temporaryFolder();
    const events = new MemoryEventStore();
    const requests = new MemoryRequests();
    const blobs = new MemoryBlobStore();
    await blobs.put(seriesBytes);
    const platform: Platform = {
      config: ServiceConfig.from({ SPLICECAST_DATA: dataDir }),
      events,
      blobs,
      trees: new GitTreeStore(join(dataDir, 'trees.git')),
      requests,
      hints: new MemoryHintPublisher(),
      hintAccess: { port: 1, user: 'agent', password: 'agent' },
      clock: new FixedClock(),
      adminToken: AdminToken.of(adminToken),
      notices: [],
      stop: () => events.close(),
    };
    const app = await createStages(platform, [{ name: 'catalog', module: CatalogModule }, ...others]);
    app.useLogger(false);
    later(async () => {
      await app.close();
      await platform.stop();
    });
    await app.startAllMicroservices();
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    return new CatalogService(app, events, requests);
  }

  async append(appends: readonly Append[], run?: string): Promise<void> {
    await append(this.events, appends, run);
    await this.caughtUp();
  }

  async caughtUp(): Promise<void> {
    await caughtUp(this.events, this.app.get(Catalog));
  }

  /** Asks as an operator. */
  get(url: string, headers: Record<string, string> = {}) {
    return this.send('GET', url, undefined, headers);
  }

  send(method: 'GET' | 'POST' | 'DELETE', url: string, body?: object, headers: Record<string, string> = {}) {
    return this.app.inject({
      method,
      url,
      headers: { authorization: `Bearer ${adminToken}`, ...headers },
      ...(body === undefined ? {} : { payload: body }),
    });
  }
}
