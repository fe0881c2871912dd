import { fact } from '#libs/contracts';
import { bundleFacts, sampleLog } from '../sample.js';
import { CatalogService } from '../service.js';
import { cleanUp } from '../stand.js';

afterEach(cleanUp);

describe('a bundle', () => {
  it('climbs once it is signed, and never back', async () => {
    const service = await CatalogService.start();
    await service.append([['bundle.b1', ...bundleFacts('b1', 'f1').slice(0, 1)]]);
    const promote = (tier: string) => service.send('POST', '/v1/bundles/b1/promote', { tier });
    expect((await promote('canary')).json()).toMatchObject({ status: 409, code: 'bundle-not-signed' });
    await service.append([['bundle.b1', ...bundleFacts('b1', 'f1').slice(1)]], 'sign');
    for (const tier of ['canary', 'canary', 'stable', 'stable']) {
      const response = await promote(tier);
      expect([response.statusCode, response.json()]).toEqual([200, { bundleId: 'b1', state: 'promoted', tier }]);
    }
    expect((await promote('early')).json()).toMatchObject({ status: 409, code: 'bundle-already-further' });
    expect((await promote('gold')).statusCode).toBe(422);
    expect((await service.events.readStream('bundle.b1')).events).toHaveLength(4);
  });

  it('is recalled once, and never promoted again', async () => {
    const service = await CatalogService.start();
    await service.append([['bundle.b1', ...bundleFacts('b1', 'f1')]]);
    const recall = () => service.send('POST', '/v1/bundles/b1/recall', { reason: 'crashes' });
    expect((await recall()).json()).toMatchObject({ bundleId: 'b1', state: 'recalled' });
    expect((await recall()).statusCode).toBe(200);
    expect((await service.events.readStream('bundle.b1')).events).toHaveLength(3);
    const promoted = await service.send('POST', '/v1/bundles/b1/promote', { tier: 'stable' });
    expect([promoted.statusCode, promoted.json()]).toEqual([409, expect.objectContaining({ code: 'bundle-recalled' })]);
  });

  it('that was recalled shows on which machines it runs, and why', async () => {
    const service = await CatalogService.start();
    await service.append(sampleLog);
    const recall = (more: object) => service.send('POST', '/v1/bundles/b1/recall', { reason: 'crashes', ...more });
    const m1 = async () => {
      const { items } = (await service.get('/v1/bundles/b1/machines?state=applied')).json<{ items: object[] }>();
      return items.find((one) => 'machineId' in one && one.machineId === 'm1');
    };
    expect(await m1()).toMatchObject({ runs: true, why: 'it runs' });
    await recall({ keep: true });
    expect(await m1()).toMatchObject({ runs: true, why: expect.stringContaining('until their next boot') });
    await recall({});
    expect(await m1()).toMatchObject({ runs: true, why: expect.stringContaining('has not said yet') });
    expect((await service.get('/v1/bundles/b1')).json()).toMatchObject({ state: 'recalled', recall: 'reverse' });
    expect((await service.get('/v1/bundles/none/machines')).statusCode).toBe(404);
  });

  it('that machines may keep can be taken back from them later, and not the other way round', async () => {
    const service = await CatalogService.start();
    await service.append([['bundle.b1', ...bundleFacts('b1', 'f1')]]);
    const recall = (more: object) => service.send('POST', '/v1/bundles/b1/recall', { reason: 'crashes', ...more });
    for (const more of [{ keep: true }, { keep: true }, {}, {}, { keep: true }]) {
      expect((await recall(more)).statusCode).toBe(200);
    }
    const { events } = await service.events.readStream('bundle.b1');
    expect(events.slice(2).map(({ fact: one }) => one.data)).toEqual([
      { bundleId: 'b1', reason: 'crashes', keep: true },
      { bundleId: 'b1', reason: 'crashes' },
    ]);
  });

  it('that is not there can neither be promoted nor recalled', async () => {
    const service = await CatalogService.start();
    expect((await service.send('POST', '/v1/bundles/nope/promote', { tier: 'stable' })).statusCode).toBe(404);
    expect((await service.send('POST', '/v1/bundles/nope/recall', { reason: 'x' })).statusCode).toBe(404);
  });

  it('keeps the correlation that it began with, through promotion', async () => {
    const service = await CatalogService.start();
    await service.append([['bundle.b1', ...bundleFacts('b1', 'f1')]]);
    await service.send('POST', '/v1/bundles/b1/promote', { tier: 'canary' });
    const { events } = await service.events.readStream('bundle.b1');
    expect(new Set(events.map(({ envelope }) => envelope.correlationId)).size).toBe(1);
  });
});

describe('races for a bundle', () => {
  it('are decided again: of many who promote at once, one does', async () => {
    const service = await CatalogService.start();
    await service.append([['bundle.b1', ...bundleFacts('b1', 'f1')]]);
    const promote = () => service.send('POST', '/v1/bundles/b1/promote', { tier: 'canary' });
    const responses = await Promise.all(Array.from({ length: 6 }, promote));
    expect(responses.map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 6 }, () => 200));
    expect((await service.events.readStream('bundle.b1')).events.map(({ fact }) => fact)).toEqual([
      ...bundleFacts('b1', 'f1'),
      fact('BundlePromoted', { bundleId: 'b1', tier: 'canary' }),
    ]);
  });
});
