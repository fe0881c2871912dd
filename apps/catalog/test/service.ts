import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { MemoryBlobStore } from '#libs/blobs';
import { MemoryEventStore } from '#libs/eventstore';
import { Clock, createStages, memoryPlatform, ServiceConfig } from '#libs/service';
import type { MemoryRequests } from '#libs/transport';
import { GitTreeStore } from '#libs/trees';
import { Catalog } from '../src/catalog.js';
import { CatalogModule } from '../src/catalog.module.js';
import { append, type Append, levelContentBytes, reportBytes, seriesBytes } from './sample.js';
import { caughtUp, databaseOf, later, temporaryFolder } from './stand.js';

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

  static async start(
    others: readonly { name: string; module: Type }[] = [],
    clock: Clock = new FixedClock(),
  ): Promise<CatalogService> {
    const { dataDir, databaseUrl } = await databaseOf(await temporaryFolder());
    const events = new MemoryEventStore();
    const blobs = new MemoryBlobStore();
    await blobs.put(seriesBytes);
    await blobs.put(reportBytes);
    await blobs.put(levelContentBytes);
    const platform = memoryPlatform({
      config: ServiceConfig.from({ SPLICECAST_DATA: dataDir, DATABASE_URL: databaseUrl }),
      events,
      blobs,
      trees: new GitTreeStore(join(dataDir, 'trees.git')),
      clock,
      adminToken,
    });
    const app = await createStages(platform, [{ name: 'catalog', module: CatalogModule }, ...others]);
    app.useLogger(false);
    later(async () => {
      await app.close();
      await platform.stop();
    });
    await app.startAllMicroservices();
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    return new CatalogService(app, events, platform.requests);
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
