import { fact } from '#libs/contracts';
import { bundleFacts, fixFacts, levelBundleFacts, sampleLog } from '../sample.js';
import { CatalogService } from '../service.js';
import { cleanUp } from '../stand.js';

afterEach(cleanUp);

const built = (fixId: string) =>
  fact('HotPatchBuilt', {
    fixId,
    kernelId: 'k54',
    module: { name: `sc_${fixId}`, digest: 'd'.repeat(64), sizeBytes: 9000 },
    functions: [
      {
        object: 'vmlinux',
        symbol: fixId,
        sympos: 0,
        objectFile: 'fs/a.o',
        oldSha256: '0'.repeat(64),
        newSha256: '1'.repeat(64),
        sizeBytes: 9,
      },
    ],
    runPre: { matched: 1, checked: 1 },
    warnings: [],
    durationMs: 1,
  });

/** A service with a kernel, two fixes that are built and promoted, and one that is built only. */
async function serviceWithFixes(): Promise<CatalogService> {
  const service = await CatalogService.start();
  const kernel = sampleLog.filter(([stream]) => stream === 'kernel.k54');
  await service.append([
    ...kernel,
    ...['fa', 'fb', 'fc'].map((id) => [`fix.${id}`, fixFacts(id, [`CVE-2026-${id.length}`]), built(id)] as const),
    ...['fa', 'fb', 'fc'].map((id) => [`bundle.b-${id}`, ...bundleFacts(`b-${id}`, id)] as const),
    ...['fa', 'fb'].map(
      (id) => [`bundle.b-${id}`, fact('BundlePromoted', { bundleId: `b-${id}`, tier: 'stable' })] as const,
    ),
  ]);
  return service;
}

/** What was proposed of the sample's kernel. */
const proposedLevels = async (service: CatalogService) =>
  (await service.events.readStream('level.k54')).events.map((one) => one.fact.data);

describe('a level', () => {
  it('is proposed of all promoted fixes, once, with its number', async () => {
    const service = await serviceWithFixes();
    const propose = () => service.send('POST', '/v1/levels', { kernelId: 'k54' });
    const answer = { levelId: 'k54.1', kernelId: 'k54', level: 1, fixes: 2, leftOut: [] };
    expect([(await propose()).json(), (await propose()).json()]).toEqual([answer, answer]);
    expect(await proposedLevels(service)).toEqual([
      { kernelId: 'k54', level: 1, fixIds: ['fa', 'fb'], leaveOut: false },
    ]);
    expect((await service.get('/v1/levels/k54.1')).json()).toMatchObject({ state: 'proposed', fixIds: ['fa', 'fb'] });
  });

  it('is refused with each fix that can’t be in it, and made without them if that is asked for', async () => {
    const service = await serviceWithFixes();
    await service.send('POST', '/v1/bundles/b-fb/recall', { reason: 'crashes' });
    const body = { kernelId: 'k54', fixIds: ['fc', 'fb', 'nope'] };
    const refused = await service.send('POST', '/v1/levels', body);
    expect([refused.statusCode, refused.json()]).toEqual([
      422,
      expect.objectContaining({ code: 'level-fixes-unfit', errors: [expect.anything(), expect.anything()] }),
    ]);
    const made = await service.send('POST', '/v1/levels', { ...body, leaveOut: true });
    expect(made.json()).toMatchObject({ level: 1, fixes: 1, leftOut: [{ fixId: 'nope' }, { fixId: 'fb' }] });
    expect((await service.send('POST', '/v1/levels', { kernelId: 'k99' })).statusCode).toBe(404);
  });

  it('is withdrawn with a fix that is in it, and can’t be promoted after that', async () => {
    const service = await serviceWithFixes();
    await service.append([
      ['bundle.l1', ...levelBundleFacts('l1', 1, ['fa', 'fb'])],
      ['bundle.l2', ...levelBundleFacts('l2', 2, ['fa'])],
    ]);
    expect((await service.send('POST', '/v1/bundles/b-fb/recall', { reason: 'crashes' })).statusCode).toBe(200);
    await service.caughtUp();
    expect((await service.get('/v1/bundles/l1')).json()).toMatchObject({
      state: 'recalled',
      recallReason: 'it contains bundle b-fb, which was withdrawn: crashes',
      subject: 'level 1: 2 fixes',
    });
    expect((await service.get('/v1/bundles/l2')).json()).toMatchObject({ state: 'signed' });
    // One that was signed only after the recall.
    await service.append([['bundle.l3', ...levelBundleFacts('l3', 3, ['fa', 'fb'])]]);
    const promoted = await service.send('POST', '/v1/bundles/l3/promote', { tier: 'stable' });
    expect([promoted.statusCode, promoted.json()]).toEqual([409, expect.objectContaining({ code: 'bundle-recalled' })]);
    // The level's own recall leaves its fixes alone.
    await service.send('POST', '/v1/bundles/l2/recall', { reason: 'as a whole' });
    expect((await service.get('/v1/bundles/b-fa')).json()).toMatchObject({ state: 'promoted' });
  });
});
