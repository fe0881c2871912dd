// The catalog as a service runs it, over a log of real events: makes the log if there is none, folds it, and serves.
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { z } from 'zod';
import type { EventStore } from '#libs/eventstore';
import { createStages, openPlatform, ServiceConfig, startStages } from '#libs/service';
import { Catalog } from '../../apps/catalog/src/catalog.js';
import { CatalogModule } from '../../apps/catalog/src/catalog.module.js';
import { catalogLives, documentsOf, type Life, machineLives } from './population.js';

const lanes = 256;
const { machines, patches } = z
  .object({ machines: z.coerce.number(), patches: z.coerce.number() })
  .parse({ machines: process.argv[2], patches: process.argv[3] });
const size = { machines, patches };

/** Appends lives, many at once, each in its order. Gives how many events. */
async function live(events: EventStore, lives: Generator<Life>): Promise<number> {
  let count = 0;
  const lane = async (): Promise<void> => {
    for (const { stream, commits } of lives) {
      let revision = 0;
      for (const [at, facts] of commits.entries()) {
        const context = { actor: 'bench', commandId: `c${at}`, correlationId: stream };
        revision = (await events.appendToStream(stream, revision, facts, context)).revision;
        count += facts.length;
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return count;
}

async function main(): Promise<void> {
  Logger.overrideLogger(['error', 'fatal']);
  const config = ServiceConfig.from(process.env);
  const platform = await openPlatform(config, (error) => {
    throw error;
  });
  for (const { series, report } of documentsOf(size)) {
    await platform.blobs.put(series);
    await platform.blobs.put(report);
  }
  const start = performance.now();
  let events = 0;
  if ((await platform.events.lastPosition()) === 0) {
    events += await live(platform.events, catalogLives(size));
    events += await live(platform.events, machineLives(size));
  }
  const appendSec = (performance.now() - start) / 1000;
  const last = await platform.events.lastPosition();
  const app = await createStages(platform, [{ name: 'catalog', module: CatalogModule }]);
  const url = await startStages(app, config);
  const folding = performance.now();
  const catalog = app.get(Catalog);
  const before = catalog.status().position;
  while (catalog.status().position < last) {
    if (catalog.status().state === 'stopped') throw new Error(catalog.status().error);
    await sleep(20);
  }
  const foldSec = (performance.now() - folding) / 1000;
  process.send?.({ url: url.replace('[::1]', '127.0.0.1'), events, appendSec, foldSec, commits: last - before, last });
  process.on('message', (message) => {
    // What an answer costs says more than how long it took, where others have the processors too.
    if (message === 'cpu') process.send?.(process.cpuUsage());
    if (message === 'end') void app.close().then(() => platform.stop().then(() => process.exit(0)));
  });
}

await main();
