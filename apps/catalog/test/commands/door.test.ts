import { sampleLog } from '../sample.js';
import { CatalogService } from '../service.js';
import { cleanUp } from '../stand.js';

afterEach(cleanUp);

describe('the door', () => {
  it('is closed without the admin token, for reading and for changing', async () => {
    const service = await CatalogService.start();
    await service.append(sampleLog);
    const paths = [
      'drops',
      'drops/d2/commits',
      'kernels',
      'fixes',
      'bundles',
      'customers',
      'licenses',
      'machines',
      'cves',
    ];
    for (const path of [...paths, 'events', 'status', 'dead-letters', 'openapi.json', 'machines/m1']) {
      const response = await service.get(`/v1/${path}`, { authorization: 'Bearer wrong' });
      expect([path, response.statusCode]).toEqual([path, 401]);
    }
    const changed = await service.send('POST', '/v1/customers', { name: 'x' }, { authorization: '' });
    expect(changed.statusCode).toBe(401);
    expect(await service.events.lastPosition()).toBe(sampleLog.length);
  });

  it('is open for the health check', async () => {
    const service = await CatalogService.start();
    expect((await service.get('/healthz', { authorization: '' })).statusCode).toBe(200);
  });

  it('takes one idempotency key', async () => {
    const service = await CatalogService.start();
    const response = await service.send('POST', '/v1/customers', { name: 'x' }, { 'idempotency-key': 'with space' });
    expect(response.statusCode).toBe(422);
  });
});
