import { z } from 'zod';
import { effectiveKernel, fact } from '#libs/contracts';
import { bundleFacts, fixFacts, kernel, report, runningKernel, sampleLog, series } from './sample.js';
import { CatalogService } from './service.js';
import { cleanUp, until } from './stand.js';

afterAll(cleanUp);

const pageSchema = z.object({ items: z.array(z.record(z.string(), z.unknown())), nextCursor: z.string().optional() });

/** A service of the test's own, which may append to it. */
async function fresh(): Promise<CatalogService> {
  const service = await CatalogService.start();
  await service.append(sampleLog);
  return service;
}

let shared: Promise<CatalogService> | undefined;

/** The service that all tests read which change nothing. */
function sample(): Promise<CatalogService> {
  shared ??= fresh();
  return shared;
}

async function ids(service: CatalogService, url: string, id: string): Promise<unknown[]> {
  const response = await service.get(url);
  return pageSchema.parse(response.json()).items.map((item) => item[id]);
}

describe('lists', () => {
  it.each([
    ['/v1/drops', 'dropId', ['d1', 'd2']],
    ['/v1/drops?state=rejected', 'dropId', ['d1']],
    ['/v1/drops/d2/commits', 'ordinal', [0, 1, 2]],
    ['/v1/drops/d2/commits?kind=remainder', 'ordinal', [2]],
    ['/v1/drops/d1/commits', 'ordinal', []],
    ['/v1/kernels?release=6.1.0-54-amd64', 'kernelId', ['k54']],
    ['/v1/fixes', 'fixId', ['f1', 'f2', 'f3']],
    ['/v1/fixes?state=refused', 'fixId', ['f2']],
    ['/v1/fixes?cve=CVE-2026-1111', 'fixId', ['f1', 'f2']],
    ['/v1/fixes?cve=CVE-2026-2222&state=built&kernel=k54', 'fixId', ['f1']],
    ['/v1/fixes?kernel=k55', 'fixId', []],
    ['/v1/bundles', 'bundleId', ['b1', 'b2']],
    ['/v1/bundles?cve=CVE-2026-2222', 'bundleId', ['b1']],
    ['/v1/bundles?state=recalled', 'bundleId', ['b2']],
    ['/v1/customers', 'customerId', ['acme']],
    ['/v1/licenses?customer=bmce&state=revoked', 'licenseId', ['l1']],
    ['/v1/machines', 'machineId', ['m1', 'm2', 'm9']],
    ['/v1/machines?kernel=6.1.0-54-amd64', 'machineId', ['m1']],
    ['/v1/machines?state=refused', 'machineId', ['m2']],
    ['/v1/cves', 'cveId', ['CVE-2026-1111', 'CVE-2026-2222']],
    ['/v1/events?stream=fix.f1', 'type', ['FixProposed', 'ObjectsBuilt', 'HotPatchBuilt']],
    ['/v1/events?type=LicenseRevoked', 'stream', ['license.l1']],
  ])('%s', async (url, id, expected) => {
    expect(await ids(await sample(), url, id)).toEqual(expected);
  });

  it('go on where the page before ended, while more is added', async () => {
    const service = await fresh();
    const seen: unknown[] = [];
    let url: string | undefined = '/v1/events?limit=7';
    for (let page = 0; url !== undefined; page++) {
      const response = await service.get(url);
      const { items, nextCursor } = pageSchema.parse(response.json());
      seen.push(...items.map(({ position, index }) => [position, index].join('.')));
      if (page === 1) await service.append([['fix.f9', fixFacts('f9')]], 'later');
      url = nextCursor === undefined ? undefined : `/v1/events?limit=7&cursor=${nextCursor}`;
    }
    expect(seen).toHaveLength(sampleLog.reduce((sum, [, ...facts]) => sum + facts.length, 1));
    expect(new Set(seen).size).toBe(seen.length);
  });

  it.each([
    ['/v1/fixes?limit=0', '/limit'],
    ['/v1/fixes?limit=501', '/limit'],
    ['/v1/fixes?limit=many', '/limit'],
    ['/v1/fixes?cursor=nonsense', '/cursor'],
    ['/v1/events?cursor=WzFd', '/cursor'],
    ['/v1/fixes?state=a&state=b', '/state'],
  ])('%s is a problem with a pointer to %s', async (url, pointer) => {
    const response = await (await sample()).get(url);
    expect(response.statusCode).toBe(422);
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(response.json()).toMatchObject({ code: 'invalid-request', errors: [{ pointer }] });
  });

  it('refuse a filter or an order that they do not know, and name those that there are', async () => {
    const service = await sample();
    const filter = await service.get('/v1/fixes?colour=red');
    expect(filter.statusCode).toBe(400);
    expect(filter.json()).toMatchObject({
      code: 'unknown-parameter',
      allowed: expect.arrayContaining(['limit', 'cursor', 'sort', 'state', 'kernel', 'cve']),
      errors: [{ pointer: '/colour' }],
    });
    const value = await service.get('/v1/machines?state=purple');
    expect(value.statusCode).toBe(422);
    expect(value.json()).toMatchObject({
      code: 'invalid-request',
      errors: [{ pointer: '/state', detail: expect.stringContaining('"enrolled"|"leased"') }],
    });
    const order = await service.get('/v1/fixes?sort=colour');
    expect(order.statusCode).toBe(400);
    expect(order.json()).toMatchObject({
      code: 'unknown-sort',
      allowed: expect.arrayContaining(['firstPosition', '-firstPosition', '-subject']),
    });
  });

  it.each([
    ['/v1/fixes?sort=-firstPosition', 'fixId', ['f3', 'f2', 'f1']],
    ['/v1/fixes?sort=-position', 'fixId', ['f2', 'f1', 'f3']],
    ['/v1/machines?sort=hostname', 'machineId', ['m2', 'm9', 'm1']],
    ['/v1/machines?sort=-hostname', 'machineId', ['m1', 'm9', 'm2']],
    ['/v1/cves?sort=-cveId', 'cveId', ['CVE-2026-2222', 'CVE-2026-1111']],
  ])('%s, by pages of one too', async (url, id, expected) => {
    const service = await sample();
    expect(await ids(service, url, id)).toEqual(expected);
    const seen: unknown[] = [];
    for (let next: string | undefined = `${url}&limit=1`; next !== undefined;) {
      const { items, nextCursor } = pageSchema.parse((await service.get(next)).json());
      seen.push(...items.map((item) => item[id]));
      next = nextCursor === undefined ? undefined : `${url}&limit=1&cursor=${nextCursor}`;
    }
    expect(seen).toEqual(expected);
  });

  it('take no cursor of another list', async () => {
    const service = await sample();
    const { nextCursor } = pageSchema.parse((await service.get('/v1/fixes?limit=1')).json());
    for (const other of ['/v1/fixes?sort=-firstPosition', '/v1/fixes?state=built', '/v1/bundles?']) {
      const response = await service.get(`${other}&cursor=${nextCursor ?? ''}`);
      expect(response.statusCode).toBe(422);
      expect(response.json()).toMatchObject({
        errors: [{ pointer: '/cursor', detail: expect.stringContaining('another list') }],
      });
    }
  });
});

describe('a resource', () => {
  it('shows a split drop', async () => {
    const response = await (await sample()).get('/v1/drops/d2');
    expect(response.json()).toMatchObject({
      dropId: 'd2',
      base: 'd1',
      state: 'split',
      version: '6.1.192-2',
      files: 78_622,
      filesChanged: 3,
      commits: 3,
      attributed: 2,
      remainders: 1,
      unpackMs: 40_000,
      splitMs: 100_000,
    });
  });

  it('shows the commits of a drop as the series has them', async () => {
    const response = await (await sample()).get('/v1/drops/d2/commits?limit=1');
    expect(pageSchema.parse(response.json()).items).toEqual([
      { dropId: 'd2', ordinal: 0, ...series.commits[0], position: 5 },
    ]);
  });

  it('shows what a split found; a drop that has no split has none', async () => {
    const service = await sample();
    expect((await service.get('/v1/drops/d2/report')).json()).toEqual(report);
    expect((await service.get('/v1/drops/d1/report')).json()).toMatchObject({ status: 404, code: 'not-found' });
  });

  it('shows why a fix was refused, with every reason', async () => {
    const response = await (await sample()).get('/v1/fixes/f2');
    expect(response.json()).toMatchObject({
      state: 'refused',
      stage: 'match',
      reasons: [{ code: 'bytes-differ' }, { code: 'no-fentry', symbol: '__do_sys_pipe' }],
      bundleIds: [],
    });
  });

  it('shows a promoted bundle and what it fixes', async () => {
    const response = await (await sample()).get('/v1/bundles/b1');
    expect(response.json()).toMatchObject({
      state: 'promoted',
      tier: 'stable',
      keyIds: ['key-1'],
      cves: ['CVE-2026-1111', 'CVE-2026-2222'],
    });
  });

  it('shows a licence with the number of its machines', async () => {
    const response = await (await sample()).get('/v1/licenses/l1');
    expect(response.json()).toMatchObject({
      state: 'revoked',
      revokedReason: 'fraud',
      machines: 1,
      expiresAt: '2026-12-23T12:00:00.000Z',
    });
  });

  it('shows what became of a CVE', async () => {
    const response = await (await sample()).get('/v1/cves/CVE-2026-1111');
    expect(response.json()).toMatchObject({
      commits: [{ commit: '1'.repeat(40) }, { commit: '2'.repeat(40) }],
      fixes: [
        { fixId: 'f1', state: 'built', bundleIds: ['b1'] },
        { fixId: 'f2', state: 'refused', bundleIds: [] },
      ],
      machines: 1,
    });
  });

  it('shows what came along with a fix', async () => {
    const service = await sample();
    expect((await service.get('/v1/fixes/f1')).json()).toMatchObject({
      brings: [{ commit: '2'.repeat(40), subject: 'an earlier one', why: 'brings it' }],
    });
    expect((await service.get('/v1/fixes/f3')).json()).not.toHaveProperty('brings');
  });

  it('shows an event with its data', async () => {
    const service = await sample();
    const [id] = await ids(service, '/v1/events?type=BundleRecalled', 'id');
    const response = await service.get(`/v1/events/${String(id)}`);
    expect(response.json()).toMatchObject({ stream: 'bundle.b2', data: { reason: 'crashed a canary' } });
  });

  it.each(['drops', 'kernels', 'fixes', 'bundles', 'customers', 'licenses', 'machines', 'cves', 'events'])(
    'of %s that is not there is a problem',
    async (resource) => {
      const service = await sample();
      for (const id of ['nope', '..%2Fx', 'A%00']) {
        const response = await service.get(`/v1/${resource}/${id}`);
        expect(response.statusCode).toBe(404);
        expect(response.json()).toMatchObject({ code: 'not-found', status: 404 });
      }
    },
  );
});

/** A machine that comes with some bundles applied. */
const enrolled = (machineId: string, ...bundleIds: string[]) =>
  [
    `machine.${machineId}` as const,
    fact('MachineEnrolled', {
      machineId,
      licenseId: 'l1',
      customerId: 'acme',
      keyThumbprint: 'B'.repeat(43),
      kernel: runningKernel,
    }),
    ...bundleIds.map((bundleId) => fact('UpdateApplied', { machineId, bundleId, transitionMs: 1 })),
  ] as const;

describe('a machine', () => {
  it('shows what is live in its kernel', async () => {
    const response = await (await sample()).get('/v1/machines/m1');
    expect(response.json()).toMatchObject({
      machineId: 'm1',
      state: 'leased',
      release: '6.1.0-54-amd64',
      kernelVersion: '6.1.190-1',
      effectiveKernel: effectiveKernel('6.1.190-1', ['b1']),
      applied: [{ bundleId: 'b1', fixId: 'f1', subject: 'fix f1' }],
      // The other commit that names CVE-2026-1111 is not live: claiming it fixed would be wrong.
      cvesFixedLive: ['CVE-2026-2222'],
      cvesFixedInPart: ['CVE-2026-1111'],
      leaseExpiresAt: '2026-11-30T12:00:00.000Z',
      updates: [
        { bundleId: 'b1', state: 'applied', transitionMs: 120 },
        { bundleId: 'b2', state: 'failed', reasons: [{ code: 'einval' }] },
      ],
    });
    expect(response.json()).toHaveProperty('lastSeen');
  });

  it('counts a reversed fix no longer', async () => {
    const service = await fresh();
    await service.append(
      [['machine.m1', fact('UpdateReversed', { machineId: 'm1', bundleId: 'b1', transitionMs: 9 })]],
      'r',
    );
    const response = await service.get('/v1/machines/m1');
    expect(response.json()).toMatchObject({ effectiveKernel: '6.1.190-1', applied: [], cvesFixedLive: [] });
  });

  it('has lost what was applied once it runs another kernel', async () => {
    const service = await fresh();
    const other = { ...runningKernel, release: '6.1.0-56-amd64', buildId: 'cd'.repeat(20) };
    const lease = { machineId: 'm1', leaseId: 'le2', licenseId: 'l1', tier: 'stable' as const };
    const granted = fact('LeaseGranted', { ...lease, kernel: other, expiresAt: '2026-12-01T00:00:00.000Z' });
    await service.append([['machine.m1', granted]], 'reboot');
    const response = await service.get('/v1/machines/m1');
    expect(response.json()).toMatchObject({ effectiveKernel: '6.1.0-56-amd64', applied: [], cvesFixedLive: [] });
  });

  it('has the same effective kernel as another with the same fixes, in whatever order they came', async () => {
    const service = await fresh();
    await service.append(
      [
        ['bundle.b3', ...bundleFacts('b3', 'f3')],
        enrolled('m3', 'b1', 'b3'),
        enrolled('m4', 'b3', 'b1'),
        enrolled('m5', 'b3'),
      ],
      'more',
    );
    const [, , , m3, m4, m5] = await ids(service, '/v1/machines', 'effectiveKernel');
    expect(m3).toMatch(/^6\.1\.190-1\+live\.2\.[0-9a-f]{8}$/);
    expect(m4).toBe(m3);
    expect(m5).toMatch(/^6\.1\.190-1\+live\.1\.[0-9a-f]{8}$/);
    expect(kernel.version).toBe('6.1.190-1');
  });
});

describe('entity tags', () => {
  it('spare who has it already, until it changes', async () => {
    const service = await fresh();
    const first = await service.get('/v1/machines/m1');
    const tag = String(first.headers.etag);
    expect(tag).toMatch(/^"[\w-]{27}"$/);
    const again = await service.get('/v1/machines/m1', { 'if-none-match': `"other", W/${tag}` });
    expect([again.statusCode, again.body, again.headers.etag]).toEqual([304, '', tag]);
    await service.append(
      [['machine.m1', fact('UpdateReversed', { machineId: 'm1', bundleId: 'b1', transitionMs: 9 })]],
      'r',
    );
    expect((await service.get('/v1/machines/m1', { 'if-none-match': tag })).statusCode).toBe(200);
  });
});

describe('the status', () => {
  it('says how far the tables are', async () => {
    const service = await sample();
    const last = sampleLog.length;
    expect((await service.get('/v1/status')).json()).toEqual({
      schema: 1,
      projection: { state: 'running', position: last },
      log: { lastPosition: last },
      lag: 0,
      deadLetters: 0,
    });
  });

  it('shows what a stage gave up on, and gives it back to it', async () => {
    const service = await fresh();
    let broken = true;
    const letters = async () => pageSchema.parse((await service.get('/v1/dead-letters')).json()).items;
    const worker = await service.events.work({ name: 'test', maxAttempts: 1 }, async (commit) => {
      if (broken && commit.position === 3) throw new Error('no');
    });
    await until('a dead letter', async () => (await letters()).length > 0);
    const [letter] = await letters();
    expect(letter).toMatchObject({ worker: 'test', position: 3, reason: expect.stringContaining('no') });
    broken = false;
    const replay = await service.send(
      'POST',
      `/v1/dead-letters/${encodeURIComponent(String(letter?.['id']))}/replay`,
      {},
    );
    expect(replay.statusCode).toBe(202);
    expect(await letters()).toEqual([]);
    expect((await service.send('POST', '/v1/dead-letters/nope/replay', {})).statusCode).toBe(404);
    await worker.stop();
  });
});
