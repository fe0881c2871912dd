import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Logger as StatementLogger } from 'typeorm';
import type { Digest, Series } from '#libs/contracts';
import type { EventStore } from '#libs/eventstore';
import { CatalogDatabase } from '../src/adapters/database.js';
import { TableWriter } from '../src/adapters/table-writer.js';
import { Catalog } from '../src/catalog.js';
import { SeriesSource } from '../src/ports.js';
import { readModels } from '../src/projections/index.js';
import { series } from './sample.js';

/** The sample's series, whatever is asked for. */
class SampleSeries extends SeriesSource {
  async read(_digest: Digest): Promise<Series> {
    return series;
  }
}

// What goes wrong on purpose need not be read by anybody.
Logger.overrideLogger(false);

const cleanups: (() => Promise<unknown>)[] = [];

/** Undoes what a test opened, the last first. For `afterEach`. */
export async function cleanUp(): Promise<void> {
  for (const undo of cleanups.splice(0).reverse()) await undo();
}

export function later(undo: () => Promise<unknown>): void {
  cleanups.push(undo);
}

/** A folder of the test's own. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'splicecast-catalog-'));
  later(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A projection over a log, as one process of the service runs it. */
export async function startCatalog(events: EventStore, dataDir: string, logger?: StatementLogger) {
  const database = await CatalogDatabase.open({ dataDir, logger });
  const catalog = new Catalog(events, new SampleSeries(), new TableWriter(database));
  later(async () => {
    await catalog.stop();
    await database.close();
  });
  catalog.start();
  return { database, catalog };
}

/** Waits until something holds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await sleep(5);
  }
}

export async function caughtUp(events: EventStore, catalog: Catalog): Promise<void> {
  const last = await events.lastPosition();
  await until(`position ${last}`, () => catalog.status().position >= last);
}

/** Every row of every table, in a fixed order; without `at`s, which differ between two logs. */
export async function dump(database: CatalogDatabase): Promise<Record<string, unknown[]>> {
  const tables: Record<string, unknown[]> = {};
  for (const name of [...readModels.map(({ table }) => table.name), 'checkpoints']) {
    const rows: object[] = await database.reader.query(`SELECT * FROM "${name}"`);
    tables[name] = rows.map((row) => JSON.stringify(row)).sort();
  }
  return tables;
}
