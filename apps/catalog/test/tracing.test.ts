import { z } from 'zod';
import { fact } from '#libs/contracts';
import { type Append, kernel, runningKernel, sampleLog, terms } from './sample.js';
import { CatalogService } from './service.js';
import { cleanUp } from './stand.js';

afterAll(cleanUp);

const enrolled = (machineId: string, buildId: string, licenseId = 'l1'): Append => [
  `machine.${machineId}`,
  fact('MachineEnrolled', {
    machineId,
    licenseId,
    customerId: 'acme',
    keyThumbprint: 'B'.repeat(43),
    kernel: { ...runningKernel, buildId },
  }),
];

const subscribed = (licenseId: string) =>
  fact('SubscriptionActivated', { licenseId, customerId: 'acme', terms: { ...terms, kind: 'subscription' }, rev: 1 });

/** The sample, a kernel that was built from the drop with the commits, and machines that run what there is. */
const log: readonly Append[] = [
  ...sampleLog.filter(([stream]) => stream !== 'machine.m9'),
  [
    'kernel.k56',
    fact('KernelReceived', {
      kernelId: 'k56',
      distro: 'debian',
      packages: [
        { role: 'image', fileName: 'image.deb', digest: '4'.repeat(64), sizeBytes: 1 },
        { role: 'headers', fileName: 'headers.deb', digest: '5'.repeat(64), sizeBytes: 2 },
      ],
      dropId: 'd2',
    }),
    fact('KernelImported', {
      kernelId: 'k56',
      kernel: { ...kernel, release: '6.1.0-56-amd64', version: '6.1.192-2', buildId: 'cd'.repeat(20) },
      compiler: 'gcc-12',
      config: '6'.repeat(64),
      symvers: '7'.repeat(64),
      kallsyms: '8'.repeat(64),
      btf: '9'.repeat(64),
      counts: { symbols: 1, exports: 1, btfTypes: 1 },
      durationMs: 900,
    }),
  ],
  enrolled('m3', 'cd'.repeat(20)),
  enrolled('m4', 'ef'.repeat(20)),
  enrolled('m5', 'ab'.repeat(20)),
];

let shared: Promise<CatalogService> | undefined;

function service(): Promise<CatalogService> {
  shared ??= start();
  return shared;
}

async function start(): Promise<CatalogService> {
  const one = await CatalogService.start();
  await one.append(log);
  return one;
}

const itemsSchema = z.object({ items: z.array(z.looseObject({})), nextCursor: z.string().optional() });

async function items(url: string) {
  const response = await (await service()).get(url);
  expect([url, response.statusCode]).toEqual([url, 200]);
  return itemsSchema.parse(response.json()).items;
}

describe('the machines of a CVE', () => {
  it('say whether each is exposed, fixed live or fixed by reboot, and why', async () => {
    const verdicts = await items('/v1/cves/CVE-2026-2222/machines');
    expect(verdicts.map(({ machineId, state, code }) => [machineId, state, code])).toEqual([
      ['m1', 'fixed-live', 'live'],
      ['m2', 'unknown', 'kernel-unknown'],
      ['m3', 'fixed-by-reboot', 'in-kernel'],
      ['m4', 'unknown', 'kernel-unknown'],
      ['m5', 'exposed', 'not-applied'],
    ]);
    expect(verdicts.map(({ why }) => why)).toEqual([
      'live in its kernel 6.1.190-1 by b1',
      'it runs a kernel that it never told, which was not imported here',
      'its kernel 6.1.192-2 was built with 111111111111 (drop d2)',
      'it runs 6.1.0-54-amd64, which was not imported here',
      'bundle b1 is promoted to stable and it has not reported it; kernel 6.1.192-2 has it built in',
    ]);
  });

  it('are exposed while one of its fixes is missing, and say which', async () => {
    const [m1] = await items('/v1/cves/CVE-2026-1111/machines?kernel=6.1.0-54-amd64&limit=1');
    expect(m1).toMatchObject({ machineId: 'm1', state: 'exposed', code: 'live-in-part' });
    expect(m1?.['why']).toMatch(/fix f2 can’t be a live patch.*commit 222222222222 names it/);
  });

  it('of a state are found page by page', async () => {
    const exposed: unknown[] = [];
    for (let cursor = ''; ;) {
      const url = `/v1/cves/CVE-2026-2222/machines?state=exposed&limit=1${cursor}`;
      const page = itemsSchema.parse((await (await service()).get(url)).json());
      exposed.push(...page.items.map(({ machineId }) => machineId));
      if (page.nextCursor === undefined) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    expect(exposed).toEqual(['m5']);
    expect(
      (await items('/v1/cves/CVE-2026-2222/machines?state=fixed-by-reboot')).map((one) => one['machineId']),
    ).toEqual(['m3']);
  });

  it('are told as of a position', async () => {
    const { events } = await (await service()).events.readStream('machine.m1');
    const applied = events.find(({ fact: { type } }) => type === 'UpdateApplied')?.position ?? 0;
    const before = await items(`/v1/cves/CVE-2026-2222/machines?asOf=${applied - 1}`);
    expect(before).toMatchObject([
      { machineId: 'm1', state: 'exposed', why: expect.stringContaining('is held up by tasks') },
    ]);
    const after = await items(`/v1/cves/CVE-2026-2222/machines?asOf=${applied}`);
    expect(after).toMatchObject([{ machineId: 'm1', state: 'fixed-live' }]);
  });
});

describe('a machine without a seat', () => {
  it('is exposed still, and is not waited for', async () => {
    const one = await start();
    await one.send('POST', '/v1/machines/m5/retirement', { reason: 'sold' });
    await one.caughtUp();
    const url = '/v1/cves/CVE-2026-2222/machines?state=exposed';
    expect(itemsSchema.parse((await one.get(url)).json()).items).toMatchObject([
      {
        machineId: 'm5',
        state: 'exposed',
        why: 'it was retired and gets nothing new; bundle b1 is promoted to stable and it has not reported it; kernel 6.1.192-2 has it built in',
      },
    ]);
  });
});

describe('the timeline of a machine', () => {
  it('has its own events, its licences’ and those of its bundles, in order', async () => {
    const told = await items('/v1/machines/m1/timeline');
    expect(told.map(({ text }) => text)).toEqual([
      'bundle b1 was assembled: fix f1',
      'bundle b1 was signed by key-1',
      'bundle b1 was promoted to canary',
      'bundle b1 was promoted to stable',
      'bundle b2 was assembled: fix f3',
      'bundle b2 was signed by key-1',
      'bundle b2 was recalled: crashed a canary',
      'licence l1 (trial) was issued to customer acme, until 2026-12-23T12:00:00.000Z',
      'enrolled as guest with licence l1, running 6.1.0-54-amd64 (debian)',
      'was granted a lease of licence l1 for 6.1.0-54-amd64, tier stable, until 2026-11-30T12:00:00.000Z',
      'fetched bundle b1',
      'bundle b1 is held up by sleeper (7)',
      'applied bundle b1; the transition took 120 ms',
      'could not apply bundle b2: symbol not found (einval)',
      'licence l1 got 7 more days, until 2026-12-23T12:00:00.000Z: we were away',
      'licence l1 went from customer acme to bmce: bought',
      'licence l1 was revoked: fraud',
    ]);
    for (const { links } of told) {
      for (const link of z.array(z.string()).min(1).parse(links)) {
        const { statusCode } = await (await service()).get(link);
        // Nobody registered the customer that the sample's licence went to.
        expect([link, statusCode]).toEqual([link, link === '/v1/customers/bmce' ? 404 : 200]);
      }
    }
  });

  it('goes on page by page, backwards too, and ends with the moment that is asked for', async () => {
    const all = (await items('/v1/machines/m1/timeline')).map(({ id }) => id);
    const seen: unknown[] = [];
    for (let cursor = ''; ;) {
      const url = `/v1/machines/m1/timeline?sort=-position&limit=4${cursor}`;
      const page = itemsSchema.parse((await (await service()).get(url)).json());
      seen.push(...page.items.map(({ id }) => id));
      if (page.nextCursor === undefined) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    expect(seen).toEqual(all.toReversed());
    const staged = (await items('/v1/machines/m1/timeline?type=UpdateStaged'))[0];
    const then = await items(`/v1/machines/m1/timeline?asOf=${String(staged?.['position'])}`);
    expect(then.at(-1)).toMatchObject({ type: 'UpdateStaged' });
    expect(then.map(({ text }) => text)).not.toContain('bundle b2 was assembled: fix f3');
  });

  it('keeps the licences that the machine was with before', async () => {
    const catalog = await CatalogService.start();
    await catalog.append([
      ...['la', 'lb'].map((licenseId): Append => [`license.${licenseId}`, subscribed(licenseId)]),
      enrolled('m7', 'ab'.repeat(20), 'la'),
      enrolled('m7', 'ab'.repeat(20), 'lb'),
    ]);
    const subjects = async (query: string): Promise<unknown[]> => {
      const response = await catalog.get(`/v1/machines/m7/timeline${query}`);
      return itemsSchema.parse(response.json()).items.map(({ stream }) => stream);
    };
    expect(await subjects('')).toEqual(['license.la', 'license.lb', 'machine.m7', 'machine.m7']);
    const { events } = await catalog.events.readStream('machine.m7');
    expect(await subjects(`?asOf=${events[0]?.position}`)).toEqual(['license.la', 'machine.m7']);
  });

  it('of a machine that is not there is a problem', async () => {
    expect((await (await service()).get('/v1/machines/m9/timeline')).statusCode).toBe(404);
  });
});

describe('the provenance of a function', () => {
  it('leads from its bytes to the hunk of the monolith and to the bundle', async () => {
    const patched = await items(`/v1/functions/${'2'.repeat(64)}/provenance`);
    expect(patched).toMatchObject([
      {
        bytes: 'patched',
        function: { symbol: 'do_fcntl', objectFile: 'fs/fcntl.o', oldSha256: '1'.repeat(64) },
        kernel: { kernelId: 'k54', release: '6.1.0-54-amd64' },
        fixes: [
          {
            fixId: 'f1',
            commits: [
              {
                commit: '1'.repeat(40),
                role: 'fix',
                subject: 'fcntl: refuse a bad hint',
                hunks: [
                  { path: 'fs/fcntl.c', ofItsObject: true, hunks: [{ oldStart: 1, newLines: 2, confidence: 0.75 }] },
                ],
              },
              { commit: '2'.repeat(40), role: 'brought', hunks: [] },
            ],
          },
        ],
        bundles: [{ bundleId: 'b1', state: 'promoted', tier: 'stable' }],
      },
    ]);
  });

  it('knows the vendor’s bytes by everything that replaces them, levels too', async () => {
    const original = await items(`/v1/functions/${'1'.repeat(64)}/provenance`);
    expect(original.map(({ bytes, levelId }) => [bytes, levelId])).toEqual([
      ['original', undefined],
      ['original', 'k54.1'],
    ]);
    const level = await items(`/v1/functions/${'5'.repeat(64)}/provenance`);
    expect(level).toMatchObject([{ bytes: 'patched', levelId: 'k54.1', fixes: [{ fixId: 'f1' }], bundles: [] }]);
  });

  it('of bytes that nobody knows is a problem', async () => {
    for (const sha256 of ['9'.repeat(64), 'nonsense', 'A%00']) {
      expect((await (await service()).get(`/v1/functions/${sha256}/provenance`)).statusCode).toBe(404);
    }
  });
});

describe('patches', () => {
  it.each([
    ['/v1/patches', ['1', '2', '3']],
    ['/v1/patches?sort=-position', ['3', '2', '1']],
    ['/v1/patches?cve=CVE-2026-2222', ['1']],
    ['/v1/patches?drop=d2&kind=remainder', ['3']],
  ])('%s', async (url, digits) => {
    expect((await items(url)).map(({ commit }) => commit)).toEqual(digits.map((digit) => digit.repeat(40)));
  });

  it('know the places of the monolith that they account for', async () => {
    const response = await (await service()).get(`/v1/patches/${'1'.repeat(40)}`);
    expect(response.json()).toMatchObject({ subject: 'fcntl: refuse a bad hint', hunks: [{ path: 'fs/fcntl.c' }] });
    expect((await (await service()).get('/v1/patches/none')).statusCode).toBe(404);
  });
});
