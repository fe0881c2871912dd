import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Commit, MemoryEventStore } from '#libs/eventstore';
import { SystemClock } from '#libs/service';
import type { CatalogDatabase } from '../src/adapters/database.js';
import { TableReader } from '../src/adapters/table-reader.js';
import { TableWriter } from '../src/adapters/table-writer.js';
import { contextOf } from '../src/fold-context.js';
import { readModels } from '../src/projections/index.js';
import type { Placed, Table } from '../src/projections/table.js';
import { randomLogs } from './random-log.js';
import { append, type Append, sampleLog } from './sample.js';
import { CatalogService } from './service.js';
import { cleanUp, later, openDatabase, sampleDocuments, temporaryFolder, until } from './stand.js';

afterAll(cleanUp);

async function commitsOf(log: readonly Append[]): Promise<readonly Commit[]> {
  const events = new MemoryEventStore();
  later(() => events.close());
  await append(events, log);
  const commits: Commit[] = [];
  const subscription = events.subscribe({ from: 1 }, async (commit) => void commits.push(commit));
  await until('the log', () => commits.length === log.length);
  await subscription.stop();
  return commits;
}

/** Tables into which commits are folded a few at a time. */
async function folded(): Promise<{ tables: TableReader; fold: (commits: readonly Commit[]) => Promise<void> }> {
  const database: CatalogDatabase = await openDatabase(await temporaryFolder());
  later(() => database.close());
  const writer = new TableWriter(database);
  const documents = await sampleDocuments();
  return {
    tables: new TableReader(database),
    fold: async (commits) =>
      void (await writer.write(await writer.checkpoint(), commits, await contextOf(commits, documents))),
  };
}

const keyOrder = (table: Table<Placed>) => ({ columns: table.key });

/** Every table by pages of its keys, of three rows each. */
async function everything(tables: TableReader): Promise<Record<string, readonly object[]>> {
  const rows: Record<string, object[]> = {};
  for (const { table } of readModels) {
    const all: object[] = (rows[table.name] = []);
    let cursor: string | undefined;
    do {
      const page = await tables.page(table, { order: keyOrder(table), limit: 3, cursor });
      all.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }
  return rows;
}

describe('the tables as of a position', () => {
  it('are what a fresh fold of the log up to there makes of it, at every position of any log', async () => {
    const position = fc.double({ min: 0, max: 1, noNaN: true });
    await fc.assert(
      fc.asyncProperty(randomLogs, fc.array(position, { minLength: 4, maxLength: 4 }), async (log, places) => {
        const commits = await commitsOf(log);
        const whole = await folded();
        await whole.fold(commits);
        const fresh = await folded();
        let done = 0;
        for (const at of [...new Set(places.map((place) => 1 + Math.floor(place * (log.length - 1))))].toSorted(
          (a, b) => a - b,
        )) {
          await fresh.fold(commits.slice(done, at));
          done = at;
          const asOf = whole.tables.asOf(at);
          expect({ at, rows: await everything(asOf) }).toEqual({ at, rows: await everything(fresh.tables) });
          for (const [column, value] of [
            ['state', 'signed'],
            ['state', 'leased'],
          ] as const) {
            for (const { table } of readModels.filter((model) => model.table.columns.includes(column))) {
              const equal = { [column]: value };
              const listing = { order: keyOrder(table), limit: 500, equal };
              expect((await asOf.page(table, listing)).items).toEqual((await fresh.tables.page(table, listing)).items);
              const where = [{ column, is: value }];
              const [key = ''] = table.key;
              expect(await asOf.count(table, key, where)).toBe(await fresh.tables.count(table, key, where));
            }
          }
        }
        await cleanUp();
      }),
      { numRuns: 5, endOnFailure: true },
    );
  });
});

/** Whatever can be read of the catalog: every list, by each filter, and one of each, there or not yet. */
const resources = [
  '/v1/drops',
  '/v1/drops?state=split',
  '/v1/drops/d2',
  '/v1/drops/d2/commits',
  '/v1/drops/d2/report',
  '/v1/kernels',
  '/v1/kernels?state=imported',
  '/v1/kernels/k54',
  '/v1/fixes',
  '/v1/fixes?state=refused',
  '/v1/fixes?cve=CVE-2026-1111',
  '/v1/fixes?sort=-position',
  '/v1/fixes/f1',
  '/v1/levels',
  '/v1/levels/k54.1',
  '/v1/bundles',
  '/v1/bundles?state=signed',
  '/v1/bundles?cve=CVE-2026-1111',
  '/v1/bundles/b1',
  '/v1/bundles/b2x',
  '/v1/customers',
  '/v1/customers/acme',
  '/v1/licenses',
  '/v1/licenses?customer=acme',
  '/v1/licenses?sort=-expiresAt',
  '/v1/licenses/l1',
  '/v1/machines',
  '/v1/machines?limit=1',
  '/v1/machines?sort=-position',
  '/v1/machines?sort=position&limit=2',
  '/v1/machines?sort=-firstPosition&limit=2',
  '/v1/machines?state=leased',
  '/v1/machines?license=l1&sort=hostname',
  '/v1/machines/m1',
  '/v1/cves',
  '/v1/cves/CVE-2026-1111',
  '/v1/tokens',
  '/v1/tokens/t1',
  '/v1/calls',
  '/v1/publications',
  '/v1/patches',
  '/v1/patches?cve=CVE-2026-1111',
  `/v1/patches/${'1'.repeat(40)}`,
  `/v1/functions/${'1'.repeat(64)}/provenance`,
  '/v1/cves/CVE-2026-1111/machines',
  '/v1/machines/m1/timeline',
  '/v1/events',
  '/v1/events?stream=machine.m1',
];

async function answers(service: CatalogService, asOf?: number) {
  const all: Record<string, unknown> = {};
  for (const url of resources) {
    const query = asOf === undefined ? '' : `${url.includes('?') ? '&' : '?'}asOf=${asOf}`;
    const { statusCode, body, headers } = await service.get(`${url}${query}`);
    if (asOf !== undefined && statusCode === 200) expect(headers['as-of-position']).toBe(String(asOf));
    const { nextCursor: _bound, ...answered } = JSON.parse(body) as Record<string, unknown>;
    all[url] = { statusCode, ...answered };
  }
  return all;
}

const eventCount = sampleLog.reduce((sum, [, ...facts]) => sum + facts.length, 0);
const json = (response: { json(): unknown }): Record<string, unknown> => response.json() as Record<string, unknown>;

let shared: Promise<CatalogService> | undefined;

/** The service that all tests read which change nothing. */
function sample(): Promise<CatalogService> {
  return (shared ??= fresh());
}

async function fresh(): Promise<CatalogService> {
  const service = await CatalogService.start([], new SystemClock());
  await service.append(sampleLog);
  return service;
}

describe('every resource', () => {
  it('is answered as of a position as it was answered then', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomLogs,
        fc.array(fc.nat({ max: 88 }), { minLength: 3, maxLength: 3 }),
        async (log, places) => {
          const service = await CatalogService.start();
          const then = new Map<number, Record<string, unknown>>();
          let done = 0;
          for (const at of [...new Set(places.map((place) => 1 + (place % log.length))), log.length].toSorted(
            (a, b) => a - b,
          )) {
            await service.append(log.slice(done, at), `from-${done}`);
            done = at;
            then.set(at, await answers(service));
          }
          for (const [at, answered] of then)
            expect({ at, ...(await answers(service, at)) }).toEqual({ at, ...answered });
          await cleanUp();
        },
      ),
      { numRuns: 3, endOnFailure: true },
    );
  });
});

describe('asOf', () => {
  it('takes a time, and says which position that was', async () => {
    const service = await CatalogService.start([], new SystemClock());
    await service.append(sampleLog.slice(0, 8));
    await sleep(5);
    const time = new Date().toISOString();
    await sleep(5);
    await service.append(sampleLog.slice(8), 'rest');
    const response = await service.get(`/v1/fixes?asOf=${time}`);
    expect(response.headers['as-of-position']).toBe('8');
    expect(response.body).toBe((await service.get('/v1/fixes?asOf=8')).body);
    const withOffset = time.replace('Z', '+00:00');
    expect((await service.get(`/v1/fixes?asOf=${withOffset}`)).headers['as-of-position']).toBe('8');
  });

  it.each([
    ['a position that has not been', '999', 'as-of-in-the-future', /the log is at \d+/],
    ['no position', '99999999999999', 'as-of-in-the-future', /the log is at \d+/],
    ['a time that has not been', '2999-01-01T00:00:00Z', 'as-of-in-the-future', /it is 20/],
    ['before the log', '0', 'as-of-before-the-log', /it begins at 20.*position 1/],
    ['a time before the log', '1999-01-01T00:00:00Z', 'as-of-before-the-log', /it begins at 20.*position 1/],
  ])('refuses %s', async (_what, asOf, code, detail) => {
    const service = await sample();
    const response = await service.get(`/v1/machines/m1?asOf=${asOf}`);
    expect(response.statusCode).toBe(422);
    expect(response.json()).toMatchObject({ code, detail: expect.stringMatching(detail) });
  });

  it.each(['yesterday', '-1', '2026-11-23', '', '1&asOf=2', '1%00'])('refuses %s as no moment', async (asOf) => {
    const response = await (await sample()).get(`/v1/machines?asOf=${asOf}`);
    expect(response.statusCode).toBe(422);
    expect(response.json()).toMatchObject({ code: 'invalid-request', errors: [{ pointer: '/asOf' }] });
  });

  it('is refused where only the present is known', async () => {
    const response = await (await sample()).get('/v1/status?asOf=3');
    expect([response.statusCode, json(response)['code']]).toEqual([400, 'as-of-not-here']);
  });

  it('holds for all pages of a list, whatever is appended between them, and by the cursor alone', async () => {
    const service = await fresh();
    const all = json(await service.get('/v1/machines?asOf=30'))['items'];
    const time = new Date().toISOString();
    const first = json(await service.get(`/v1/events?limit=30&asOf=${time}`));
    await service.append(
      sampleLog.slice(0, 1).map(([stream]) => [`${stream}9`, ...(sampleLog[0]?.slice(1) ?? [])] as Append),
    );
    for (const query of [`&asOf=${time}`, '']) {
      const second = json(await service.get(`/v1/events?limit=30&cursor=${String(first['nextCursor'])}${query}`));
      expect(second).not.toHaveProperty('nextCursor');
      expect(second['items']).toHaveLength(eventCount - 30);
    }
    const mixed = await service.get(`/v1/events?limit=30&asOf=3&cursor=${String(first['nextCursor'])}`);
    expect(mixed.json()).toMatchObject({ errors: [{ pointer: '/cursor' }] });
    expect(json(await service.get('/v1/machines?asOf=30'))['items']).toEqual(all);
  });

  it('gives an entity tag of that moment', async () => {
    const service = await sample();
    const tags = await Promise.all(
      ['', '?asOf=5', '?asOf=6'].map(async (query) => (await service.get(`/v1/drops/d2${query}`)).headers.etag),
    );
    expect(new Set(tags).size).toBe(3);
    const again = await service.get('/v1/drops/d2?asOf=6', { 'if-none-match': String(tags[2]) });
    expect([again.statusCode, again.headers['as-of-position']]).toEqual([304, '6']);
  });
});
