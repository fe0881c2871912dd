import { setTimeout as sleep } from 'node:timers/promises';
import { type EntityManager, QueryFailedError } from 'typeorm';
import { eventSchemas, fact } from '#libs/contracts';
import { MemoryEventStore } from '#libs/eventstore';
import { CatalogDatabase } from '../src/adapters/database.js';
import { TableWriter } from '../src/adapters/table-writer.js';
import { contextOf } from '../src/fold-context.js';
import { readModels } from '../src/projections/index.js';
import { FaultyStatements } from './faulty-statements.js';
import { append, sampleLog, series } from './sample.js';
import {
  caughtUp,
  cleanUp,
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

/** What a projection that nothing disturbs makes of a log. */
async function undisturbed(events: MemoryEventStore) {
  const { database, catalog } = await startCatalog(events, await temporaryFolder());
  await caughtUp(events, catalog);
  return dump(database);
}

/** A question that takes the database as long as there is to count. */
const counting = (n: number): string =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${n}) SELECT COUNT(*) AS "count" FROM n`;

describe('the tables', () => {
  it('are those of the migrations', async () => {
    const database = await openDatabase(await temporaryFolder());
    later(() => database.close());
    const { upQueries } = await database.reader.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  it('refuse a database that they are not made for', async () => {
    const opened = CatalogDatabase.open({ dataDir: await temporaryFolder(), databaseUrl: 'mysql://localhost/x' });
    await expect(opened).rejects.toMatchObject({ code: 'unsupported-database' });
  });

  it('can be changed by the writer alone', async () => {
    const database = await openDatabase(await temporaryFolder());
    later(() => database.close());
    const writing = `INSERT INTO "cves" VALUES ('x', 1)`;
    await expect(database.reader.query(writing)).rejects.toBeInstanceOf(QueryFailedError);
    await expect(database.query(writing, [])).rejects.toThrow(/read.?only/i);
  });

  it('answer a quick question while a slow one is worked on', async () => {
    const database = await openDatabase(await temporaryFolder());
    later(() => database.close());
    const answered: string[] = [];
    const slow = database.query(counting(3_000_000), []).then(() => answered.push('slow'));
    await database.query(counting(3), []).then(() => answered.push('quick'));
    await slow;
    expect(answered).toEqual(['quick', 'slow']);
  });

  it('keep a writer who commits from one who fails beside it', async () => {
    const database = await openDatabase(await temporaryFolder());
    later(() => database.close());
    const writes = ['a', 'b', 'c', 'd'].map((cve) =>
      database.write(async (manager) => {
        await manager.query(`INSERT INTO "cves" VALUES ('${cve}', 1)`);
        if (cve < 'c') throw new Error('no');
      }),
    );
    const outcomes = await Promise.allSettled(writes);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'fulfilled']);
    expect(await database.reader.query('SELECT "cveId" FROM cves ORDER BY "cveId"')).toEqual([
      { cveId: 'c' },
      { cveId: 'd' },
    ]);
  });
});

describe('the projection', () => {
  it('knows every event that there is, in a model of its own besides the index', () => {
    const known = readModels.filter(({ table }) => table.name !== 'events').flatMap(({ handles }) => [...handles]);
    expect(Object.keys(eventSchemas).filter((type) => !known.some((one) => one === type))).toEqual([]);
  });

  it('folds a whole log', async () => {
    const tables = await undisturbed(await sampleStore());
    const counts = Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, rows.length]));
    expect(counts).toEqual({
      drops: 2,
      drops_past: 3,
      drop_commits: series.commits.length,
      commit_hunks: 1,
      kernels: 1,
      kernels_past: 1,
      fixes: 3,
      fixes_past: 2,
      functions: 2,
      bundles: 2,
      bundles_past: 3,
      bundle_fixes: 2,
      levels: 2,
      levels_past: 2,
      customers: 1,
      customers_past: 0,
      licenses: 1,
      licenses_past: 3,
      machines: 3,
      machines_past: 4,
      machine_updates: 2,
      machine_updates_past: 2,
      cves: 2,
      cve_fixes: 3,
      cve_commits: 3,
      tokens: 1,
      tokens_past: 2,
      calls: 1,
      publications: 3,
      events: sampleLog.reduce((sum, [, ...facts]) => sum + facts.length, 0),
      checkpoints: 1,
    });
  });

  it('comes to the same tables one event at a time, in batches, and after restarts in between', async () => {
    const events = await sampleStore();
    const whole = await undisturbed(events);
    const slow = new MemoryEventStore();
    later(() => slow.close());
    const dataDir = await temporaryFolder();
    for (const commit of events.log.commits) {
      slow.log.commits.push(commit);
      const { database, catalog } = await startCatalog(slow, dataDir);
      await caughtUp(slow, catalog);
      await catalog.stop();
      await database.close();
    }
    const { database } = await startCatalog(slow, dataDir);
    expect(await dump(database)).toEqual(whole);
  });

  it('goes on with what is appended later', async () => {
    const events = new MemoryEventStore();
    later(() => events.close());
    const { catalog, database } = await startCatalog(events, await temporaryFolder());
    await append(events, sampleLog);
    await caughtUp(events, catalog);
    expect((await dump(database))['fixes']).toHaveLength(3);
  });
});

describe('a crash between any two statements', () => {
  it('loses nothing and doubles nothing', async () => {
    const events = await sampleStore();
    const whole = await undisturbed(events);
    const last = await events.lastPosition();
    let survived = false;
    for (let n = 1; !survived; n++) {
      const dataDir = await temporaryFolder();
      const faults = new FaultyStatements();
      const crashed = await startCatalog(events, dataDir, faults);
      faults.killAfter(n);
      await until('the crash or the end', () => faults.dead || crashed.catalog.status().position === last);
      survived = !faults.dead;
      await crashed.catalog.stop();
      await crashed.database.close();

      const { database, catalog } = await startCatalog(events, dataDir);
      await caughtUp(events, catalog);
      expect({ n, tables: await dump(database) }).toEqual({ n, tables: whole });
      await catalog.stop();
      await database.close();
      expect(n).toBeLessThan(200);
    }
  }, 180_000);

  it('leaves rows and checkpoint as they were before', async () => {
    const events = await sampleStore();
    const dataDir = await temporaryFolder();
    const empty = await openDatabase(dataDir);
    const before = await dump(empty);
    await empty.close();
    const faults = new FaultyStatements();
    const { catalog, database } = await startCatalog(events, dataDir, faults);
    faults.killBefore('UPDATE "checkpoints"');
    await until('the crash', () => faults.dead);
    await catalog.stop();
    await database.close();
    const after = await openDatabase(dataDir);
    later(() => after.close());
    expect(await dump(after)).toEqual(before);
  });
});

describe('what goes wrong', () => {
  it('is tried again while only the surroundings fail', async () => {
    const events = await sampleStore();
    const faults = new FaultyStatements();
    const { catalog, database } = await startCatalog(events, await temporaryFolder(), faults);
    faults.failOnce('INSERT INTO "fixes"');
    await until('a retry', () => catalog.status().state === 'retrying');
    expect(catalog.status().error).toMatch(/disk I\/O error/);
    await caughtUp(events, catalog);
    expect(catalog.status()).toMatchObject({ state: 'running' });
    expect(await dump(database)).toEqual(await undisturbed(events));
  });

  it.each([
    ['of an unknown type', { type: 'KernelRenamed', v: 1 }, /KernelRenamed is not known/],
    ['of a newer version', { type: 'KernelReceived', v: 9 }, /KernelReceived v9 is newer/],
  ])('an event %s stops it there, and is never skipped', async (_what, strange, message) => {
    const events = await sampleStore();
    const position = events.log.commits.length + 1;
    const envelope = {
      id: 'x',
      at: '2026-11-23T12:00:00.000Z',
      actor: 'test',
      correlationId: 'x',
      data: {},
      ...strange,
    };
    const bytes = Buffer.from(JSON.stringify([envelope]));
    events.log.commits.push({ position, stream: 'kernel.k9', commandKey: 'x', bytes });
    await append(
      events,
      [['customer.late', fact('CustomerRegistered', { customerId: 'late', name: 'Late' })]],
      'after',
    );
    const { catalog, database } = await startCatalog(events, await temporaryFolder());
    await until('the stop', () => catalog.status().state === 'stopped');
    expect(catalog.status().error).toMatch(message);
    expect((await dump(database))['customers']).toHaveLength(1);
    expect(catalog.status().position).toBe(position - 1);
  });

  it('an event that goes on with nothing stops it there, with everything before it in the tables', async () => {
    const events = new MemoryEventStore();
    later(() => events.close());
    await append(events, [
      ...sampleLog.slice(0, 2),
      ['bundle.b9', { type: 'BundleRecalled', data: { bundleId: 'b9', reason: 'x' } }],
    ]);
    const { catalog, database } = await startCatalog(events, await temporaryFolder());
    await until('the stop', () => catalog.status().state === 'stopped');
    expect(catalog.status()).toMatchObject({ position: 2, error: expect.stringContaining('position 3') });
    expect((await dump(database))['drops']).toHaveLength(2);
  });

  it('two projections on one database stop each other instead of doubling rows', async () => {
    const events = await sampleStore();
    const database = await openDatabase(await temporaryFolder());
    later(() => database.close());
    const writer = new TableWriter(database);
    const commits = await commitsOf(events);
    const context = await contextOf(commits, await sampleDocuments());
    await writer.write(0, commits.slice(0, 2), context);
    await expect(writer.write(0, commits.slice(0, 2), context)).rejects.toMatchObject({ code: 'checkpoint-moved' });
    expect(await writer.checkpoint()).toBe(2);
  });

  it('ends its transaction for a commit that can’t be folded only after all that was handed to the database', async () => {
    const events = new MemoryEventStore();
    await append(events, [
      ['customer.c1', fact('CustomerRegistered', { customerId: 'c1', name: 'One' })],
      ['machine.m1', fact('MachineRetired', { machineId: 'm1', reason: 'it never was' })],
    ]);
    const database = await openDatabase(await temporaryFolder());
    later(() => database.close());
    const slow = new SlowStatements();
    const writer = new TableWriter({
      query: (sql, parameters) => database.query(sql, parameters),
      write: (work) =>
        database.write(async (manager) => {
          try {
            return await work(slow.of(manager));
          } finally {
            slow.atTheEnd.push(slow.underWay);
          }
        }),
    });
    const commits = await commitsOf(events);
    const context = await contextOf(commits, await sampleDocuments());
    await expect(writer.write(0, commits, context)).rejects.toMatchObject({ code: 'orphan-event' });
    expect(slow).toMatchObject({ inserts: 1, atTheEnd: [0] });
  });
});

/** Has the database take its time for what is inserted, and counts what is under way. */
class SlowStatements {
  inserts = 0;
  underWay = 0;
  readonly atTheEnd: number[] = [];

  of(manager: EntityManager): EntityManager {
    const query = async (sql: string, parameters?: unknown[]): Promise<unknown> => {
      if (!sql.startsWith('INSERT')) return manager.query(sql, parameters);
      this.inserts += 1;
      this.underWay += 1;
      try {
        await sleep(200);
        return await manager.query(sql, parameters);
      } finally {
        this.underWay -= 1;
      }
    };
    return Object.create(manager, { query: { value: query } }) as EntityManager;
  }
}

async function commitsOf(events: MemoryEventStore) {
  const commits: Parameters<Parameters<MemoryEventStore['subscribe']>[1]>[0][] = [];
  const subscription = events.subscribe({ from: 1 }, async (commit) => void commits.push(commit));
  const last = await events.lastPosition();
  await until('the log', () => commits.length === last);
  await subscription.stop();
  return commits;
}
