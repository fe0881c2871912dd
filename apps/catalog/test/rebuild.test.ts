import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fact } from '#libs/contracts';
import type { EventStore } from '#libs/eventstore';
import { SystemClock } from '#libs/service';
import type { CatalogDatabase } from '../src/adapters/database.js';
import { compareTables } from '../src/adapters/table-comparison.js';
import type { Catalog } from '../src/catalog.js';
import { Rebuilding } from '../src/rebuilding.js';
import { FaultyStatements } from './faulty-statements.js';
import { append, sampleLog } from './sample.js';
import { CatalogService } from './service.js';
import {
  caughtUp,
  cleanUp,
  databaseOf,
  dump,
  later,
  openDatabase,
  sampleDocuments,
  sampleStore,
  startCatalog,
  temporaryFolder,
  until,
} from './stand.js';

afterEach(cleanUp);

async function rebuildingOf(events: EventStore, database: CatalogDatabase, catalog: Catalog): Promise<Rebuilding> {
  const rebuilding = new Rebuilding(database, catalog, events, await sampleDocuments(), new SystemClock());
  later(() => rebuilding.onModuleDestroy());
  return rebuilding;
}

/** A catalog that has folded the sample, with what rebuilds it. */
async function stand(events: EventStore, dataDir: string, logger?: FaultyStatements) {
  const { database, catalog } = await startCatalog(events, dataDir, logger);
  await caughtUp(events, catalog);
  return { database, catalog, rebuilding: await rebuildingOf(events, database, catalog) };
}

const customer = (customerId: string) => fact('CustomerRegistered', { customerId, name: `Customer ${customerId}` });

/** A killed process tidies nothing up: its unfinished file lies there, and the draft of the pointer. */
async function leaveAsKilled(dataDir: string): Promise<void> {
  if ((await databaseOf(dataDir)).databaseUrl !== undefined) return;
  await writeFile(join(dataDir, 'catalog-1.sqlite'), 'half a file');
  await writeFile(join(dataDir, 'catalog-1.sqlite-journal'), '');
  await writeFile(join(dataDir, 'catalog.current.new'), 'catalog-1');
}

describe('a rebuild', () => {
  it('finds what serves equal, and serves in its place, now and after a restart', async () => {
    const events = await sampleStore();
    const dataDir = await temporaryFolder();
    const { database, catalog, rebuilding } = await stand(events, dataDir);
    const before = await dump(database);
    rebuilding.start({ compareOnly: false });
    const status = await rebuilding.ended();
    expect(status).toMatchObject({ state: 'switched', position: events.log.commits.length });
    expect(status.comparison).toMatchObject({ equal: true, different: [], position: events.log.commits.length });
    expect(status.comparison?.digests.serving).toBe(status.comparison?.digests.rebuilt);
    expect(await dump(database)).toEqual(before);
    await append(events, [['customer.late', customer('late')]], 'late');
    await caughtUp(events, catalog);
    expect((await dump(database))['customers']).toHaveLength(2);
    const { upQueries } = await database.reader.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
    const after = await dump(database);
    await catalog.stop();
    await database.close();
    const again = await openDatabase(dataDir);
    later(() => again.close());
    expect(await dump(again)).toEqual(after);
  });

  it('says which tables differ and by how many rows, and puts them right', async () => {
    const events = await sampleStore();
    const { database, rebuilding } = await stand(events, await temporaryFolder());
    const right = await dump(database);
    await database.write(async (manager) => {
      await manager.query(`UPDATE "customers" SET "name" = 'somebody else'`);
      await manager.query(`DELETE FROM "cves"`);
      await manager.query(
        `INSERT INTO "bundle_fixes" ("bundleId", "fixId", "position") VALUES ('b-none', 'f-none', 1)`,
      );
    });
    rebuilding.start({ compareOnly: false });
    const { comparison, state } = await rebuilding.ended();
    expect(state).toBe('switched');
    expect(comparison?.equal).toBe(false);
    const cves = right['cves']?.length ?? 0;
    const fixes = right['bundle_fixes']?.length ?? 0;
    const same = { onlyServing: 0, onlyRebuilt: 0, changed: 0 };
    expect(comparison?.different.toSorted((a, b) => a.table.localeCompare(b.table))).toEqual([
      { ...same, table: 'bundle_fixes', serving: fixes + 1, rebuilt: fixes, onlyServing: 1 },
      { ...same, table: 'customers', serving: 1, rebuilt: 1, changed: 1 },
      { ...same, table: 'cves', serving: 0, rebuilt: cves, onlyRebuilt: cves },
    ]);
    expect(await dump(database)).toEqual(right);
  });

  it('that only compares leaves what serves as it is, and nothing behind', async () => {
    const events = await sampleStore();
    const dataDir = await temporaryFolder();
    const { database, rebuilding } = await stand(events, dataDir);
    await database.write((manager) => manager.query(`DELETE FROM "cves"`));
    const wrong = await dump(database);
    const files = await readdir(dataDir);
    rebuilding.start({ compareOnly: true });
    expect(await rebuilding.ended()).toMatchObject({ state: 'compared', comparison: { equal: false } });
    expect(await dump(database)).toEqual(wrong);
    expect((await readdir(dataDir)).sort()).toEqual(files.sort());
  });

  it('under load fails no query, and misses nothing that comes meanwhile', async () => {
    const events = await sampleStore();
    const { database, catalog, rebuilding } = await stand(events, await temporaryFolder());
    const over = new AbortController();
    const counts: number[] = [];
    const reading = Array.from({ length: 4 }, async () => {
      while (!over.signal.aborted) {
        const [row] = await database.query(`SELECT COUNT(*) AS "count" FROM "customers"`, []);
        counts.push(Number(row?.['count']));
      }
    });
    const writing = (async () => {
      for (let n = 0; !over.signal.aborted; n += 1) {
        await append(events, [[`customer.c${n}`, customer(`c${n}`)]], `run-${n}`);
        await sleep(10);
      }
    })();
    for (let round = 0; round < 3; round += 1) {
      rebuilding.start({ compareOnly: false });
      expect(await rebuilding.ended()).toMatchObject({ state: 'switched', comparison: { equal: true } });
    }
    over.abort();
    await Promise.all([...reading, writing]);
    await caughtUp(events, catalog);
    const fresh = await stand(events, await temporaryFolder());
    expect(await dump(database)).toEqual(await dump(fresh.database));
    expect(Math.max(...counts)).toBeGreaterThan(1);
  });

  it('is one at a time', async () => {
    const { rebuilding } = await stand(await sampleStore(), await temporaryFolder());
    rebuilding.start({ compareOnly: true });
    expect(() => rebuilding.start({ compareOnly: true })).toThrow(expect.objectContaining({ status: 409 }));
    await rebuilding.ended();
    expect(rebuilding.start({ compareOnly: true })).toMatchObject({ state: 'folding', events: 0 });
    expect(await rebuilding.ended()).toMatchObject({ state: 'compared' });
  });
});

describe('a rebuild that is killed', () => {
  it.each([
    ['while it makes its tables', 'CREATE TABLE "checkpoints"'],
    ['before its first index is set aside', 'DROP INDEX'],
    ['while it folds', 'INSERT INTO "events"'],
    ['before it saves where it is', 'UPDATE "checkpoints"'],
    ['while it makes its indices', 'CREATE INDEX'],
    ['while it compares', 'SELECT "cveId"'],
  ])('%s leaves what serves, and what it made is gone at the next start', async (_when, statement) => {
    const events = await sampleStore();
    const dataDir = await temporaryFolder();
    const faults = new FaultyStatements();
    const { database, catalog, rebuilding } = await stand(events, dataDir, faults);
    const before = await dump(database);
    faults.killBefore(statement);
    rebuilding.start({ compareOnly: false });
    expect(await rebuilding.ended()).toMatchObject({ state: 'failed', error: expect.stringMatching(/killed/) });
    await catalog.stop();
    await database.close();
    await leaveAsKilled(dataDir);
    const again = await openDatabase(dataDir);
    later(() => again.close());
    expect(await dump(again)).toEqual(before);
    expect((await readdir(dataDir)).filter((name) => /^catalog(?:-|\.current\.)/.test(name))).toEqual([]);
  });
});

describe('the service', () => {
  it('rebuilds on demand, and tells how far it is', async () => {
    const service = await CatalogService.start();
    await service.append(sampleLog);
    expect((await service.get('/v1/catalog/rebuild')).json()).toMatchObject({ schema: 1, state: 'none' });
    const begun = await service.send('POST', '/v1/catalog/rebuild', {});
    expect([begun.statusCode, begun.json().state]).toEqual([202, 'folding']);
    const status = async () => (await service.get('/v1/catalog/rebuild')).json();
    await until('the end', async () => (await status()).endedAt !== undefined);
    expect(await status()).toMatchObject({
      state: 'switched',
      position: service.events.log.commits.length,
      comparison: { equal: true, digests: { serving: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    });
    expect((await service.get('/v1/fixes')).json().items).toHaveLength(3);
    expect((await service.send('POST', '/v1/catalog/rebuild', { compareonly: true })).statusCode).toBe(422);
  });

  it('says where it stands before an event of a newer version, and a rebuild gets no further', async () => {
    const service = await CatalogService.start();
    await service.append(sampleLog);
    const position = service.events.log.commits.length + 1;
    const envelope = { id: 'x', type: 'KernelReceived', v: 9, actor: 'test', correlationId: 'x', data: {} };
    const bytes = Buffer.from(JSON.stringify([{ ...envelope, at: '2026-11-23T12:00:00.000Z' }]));
    service.events.log.commits.push({ position, stream: 'kernel.k9', commandKey: 'x', bytes });
    service.events.log.changed();
    const ready = () => service.get('/readyz');
    await until('the stop', async () => (await ready()).statusCode === 503);
    const message = `kernel.k9 at ${position}: KernelReceived v9 is newer than this program`;
    expect((await ready()).json().detail).toContain(message);
    expect((await service.get('/v1/status')).json()).toMatchObject({
      projection: { state: 'stopped', position: position - 1, error: expect.stringContaining(message) },
      lag: 1,
    });
    const metrics = (await service.get('/metrics')).body;
    expect(metrics).toContain('splicecast_projection_stopped{projection="catalog"} 1');
    expect(metrics).toContain('splicecast_projection_lag_commits{projection="catalog"} 1');
    await service.send('POST', '/v1/catalog/rebuild', {});
    const status = async () => (await service.get('/v1/catalog/rebuild')).json();
    await until('the end', async () => (await status()).endedAt !== undefined);
    expect(await status()).toMatchObject({ state: 'switched', position: position - 1, comparison: { equal: true } });
    await until('the stop', async () => (await ready()).statusCode === 503);
  });
});

const names = (from: number) => Array.from({ length: 1500 }, (_, n) => `CVE-ü-${(from + 2 * n) % 4000}`);

const ask =
  (database: CatalogDatabase) =>
  (sql: string, parameters: readonly unknown[] = []) =>
    database.query(sql, parameters);

describe('the comparison', () => {
  it('counts what only one side has, wherever it stands in the order', async () => {
    const events = await sampleStore();
    const one = await stand(events, await temporaryFolder());
    const other = await stand(events, await temporaryFolder());
    for (const [{ database }, from] of [
      [one, 0],
      [other, 1000],
    ] as const) {
      const rows = names(from).map((name) => `('${name}', 1)`);
      await database.write((manager) =>
        manager.query(`INSERT INTO "cves" ("cveId", "position") VALUES ${rows.join()}`),
      );
    }
    const { equal, different } = await compareTables(ask(one.database), ask(other.database), one.database.bytewise);
    const [left, right] = [new Set(names(0)), new Set(names(1000))];
    expect(equal).toBe(false);
    expect(different).toEqual([
      {
        table: 'cves',
        serving: 1502,
        rebuilt: 1502,
        onlyServing: [...left].filter((name) => !right.has(name)).length,
        onlyRebuilt: [...right].filter((name) => !left.has(name)).length,
        changed: 0,
      },
    ]);
  });
});
