import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Logger as StatementLogger } from 'typeorm';
import { MemoryBlobStore } from '#libs/blobs';
import { type EventStore, MemoryEventStore } from '#libs/eventstore';
import { BlobDocuments } from '../src/adapters/blob-documents.js';
import { CatalogDatabase } from '../src/adapters/database.js';
import { TableWriter } from '../src/adapters/table-writer.js';
import { Catalog } from '../src/catalog.js';
import { readModels } from '../src/projections/index.js';
import { append, levelContentBytes, reportBytes, sampleLog, seriesBytes } from './sample.js';

/** What the sample's events name. */
export async function sampleDocuments(): Promise<BlobDocuments> {
  const blobs = new MemoryBlobStore();
  for (const bytes of [seriesBytes, reportBytes, levelContentBytes]) await blobs.put(bytes);
  return new BlobDocuments(blobs);
}

/** A log with the sample's events. */
export async function sampleStore(): Promise<MemoryEventStore> {
  const events = new MemoryEventStore();
  later(() => events.close());
  await append(events, sampleLog);
  return events;
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

type DatabaseUrl = (dataDir: string) => Promise<string | undefined>;

let databaseUrl: DatabaseUrl = async () => undefined;

/** Has every catalog that is started from now on use another database than SQLite, one for each folder. */
export function useDatabase(url: DatabaseUrl): void {
  databaseUrl = url;
}

/** Where the catalog of a folder is. */
export async function databaseOf(dataDir: string): Promise<{ dataDir: string; databaseUrl?: string }> {
  const url = await databaseUrl(dataDir);
  return { dataDir, ...(url === undefined ? {} : { databaseUrl: url }) };
}

/** Opens a folder's database. */
export async function openDatabase(dataDir: string, logger?: StatementLogger): Promise<CatalogDatabase> {
  return CatalogDatabase.open({ ...(await databaseOf(dataDir)), logger });
}

/** A projection over a log, as one process of the service runs it. */
export async function startCatalog(events: EventStore, dataDir: string, logger?: StatementLogger) {
  const database = await openDatabase(dataDir, logger);
  const catalog = new Catalog(events, await sampleDocuments(), new TableWriter(database));
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
  const names = readModels.flatMap(({ table }) => [table.name, ...(table.past === undefined ? [] : [table.past.name])]);
  for (const name of [...names, 'checkpoints']) {
    const rows: object[] = await database.reader.query(`SELECT * FROM "${name}"`);
    tables[name] = rows.map((row) => JSON.stringify(row)).sort();
  }
  return tables;
}
