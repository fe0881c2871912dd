import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createStages, openPlatform, type Platform, ServiceConfig, startStages } from '#libs/service';
import { Catalog } from '../../apps/catalog/src/catalog.js';
import { LiveIndex } from '../../apps/feed/src/projections/live-index.js';
import { stages } from '../../apps/standalone/src/stages.js';

const restMs = 60_000;

/** All stages, as `npm start` runs them, but in this process: with its clock. */
export class Service {
  private constructor(
    readonly url: string,
    readonly adminToken: string,
    readonly platform: Platform,
    private readonly app: NestFastifyApplication,
  ) {}

  static async start(dataDir: string, before?: Service): Promise<Service> {
    const adminToken = before?.adminToken ?? `sca_${randomBytes(24).toString('base64url')}`;
    const config = ServiceConfig.from({
      SPLICECAST_DATA: dataDir,
      // The machine remembers where it registered.
      SPLICECAST_PORT: before === undefined ? '0' : new URL(before.url).port,
      SPLICECAST_ADMIN_TOKEN: adminToken,
    });
    const platform = await openPlatform(config, (error) => {
      throw error;
    });
    const app = await createStages(platform, stages);
    app.useLogger(false);
    return new Service(await startStages(app, config), adminToken, platform, app);
  }

  /** Until no worker has anything before it and what answers shows all of the log. @throws Error if that takes too long. */
  async atRest(): Promise<void> {
    const { events } = this.platform;
    const [catalog, feed] = [this.app.get(Catalog, { strict: false }), this.app.get(LiveIndex, { strict: false })];
    for (let tries = 0; tries < restMs / 50; tries += 1) {
      const [last, backlog] = await Promise.all([events.lastPosition(), events.backlog()]);
      const isIdle = backlog.every(({ waiting, inHand }) => waiting + inHand === 0);
      const isShown = catalog.status().position === last && feed.position === last;
      await sleep(50);
      if (isIdle && isShown && (await events.lastPosition()) === last) return;
    }
    throw new Error('the service does not come to rest');
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.platform.stop();
  }
}
