import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import type { BlobStore } from '#libs/blobs';
import type { EventStore } from '#libs/eventstore';
import { BlobDocuments } from '../../../apps/catalog/src/adapters/blob-documents.js';
import { CatalogDatabase } from '../../../apps/catalog/src/adapters/database.js';
import { TableWriter } from '../../../apps/catalog/src/adapters/table-writer.js';
import { Catalog } from '../../../apps/catalog/src/catalog.js';
import type { Violation } from '../violation.js';

export interface FoldResult {
  readonly violations: readonly Violation[];
  readonly rows: number;
}

const patienceMs = 120_000;

/** The catalog's tables, killed and restarted all the while, equal a fold of the log from its beginning into an empty database. */
export async function checkCatalog(
  events: EventStore,
  blobs: BlobStore,
  liveFile: string,
  scratchDir: string,
): Promise<FoldResult> {
  const end = await events.lastPosition();
  const database = await CatalogDatabase.open({ dataDir: scratchDir });
  const catalog = new Catalog(events, new BlobDocuments(blobs), new TableWriter(database));
  catalog.start();
  try {
    const deadline = Date.now() + patienceMs;
    while (catalog.status().position < end) {
      if (Date.now() > deadline || catalog.status().state === 'stopped') {
        const context = { ...catalog.status(), end };
        return { violations: [{ check: 'catalog', what: 'the log can not be folded anew', context }], rows: 0 };
      }
      await sleep(20);
    }
  } finally {
    await catalog.stop();
    await database.close();
  }
  return compare(liveFile, join(scratchDir, 'catalog.sqlite'));
}

async function compare(liveFile: string, freshFile: string): Promise<FoldResult> {
  const live = await new DataSource({ type: 'sqlite', database: liveFile }).initialize();
  const fresh = await new DataSource({ type: 'sqlite', database: freshFile }).initialize();
  const violations: Violation[] = [];
  let rows = 0;
  try {
    const tables: { name: string }[] = await fresh.query(tablesQuery);
    for (const { name } of tables) {
      const [was, is] = [await rowsOf(live, name), await rowsOf(fresh, name)];
      rows += is.length;
      const [inLive, inFresh] = [new Set(was), new Set(is)];
      const gone = is.filter((row) => !inLive.has(row));
      const strange = was.filter((row) => !inFresh.has(row));
      if (gone.length + strange.length === 0 && was.length === is.length) continue;
      const context = { rows: [was.length, is.length], live: strange.slice(0, 2), fresh: gone.slice(0, 2) };
      violations.push({ check: 'catalog', what: `table ${name} differs from a fresh fold`, context });
    }
  } finally {
    await live.destroy();
    await fresh.destroy();
  }
  return { violations, rows };
}

/** All of them, whatever they are called: what a migration adds is compared too. Migrations themselves have times. */
const tablesQuery = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name != 'migrations'`;

async function rowsOf(source: DataSource, table: string): Promise<readonly string[]> {
  const rows: unknown[] = await source.query(`SELECT * FROM "${table}"`);
  return rows.map((row) => JSON.stringify(row));
}
