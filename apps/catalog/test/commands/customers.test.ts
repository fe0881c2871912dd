import { CatalogService } from '../service.js';
import { cleanUp } from '../stand.js';

afterEach(cleanUp);

describe('a customer', () => {
  it('is registered, and once for each key', async () => {
    const service = await CatalogService.start();
    const request = { name: 'Acme', email: 'ops@acme.test' };
    const send = (body: object) => service.send('POST', '/v1/customers', body, { 'idempotency-key': 'wish-1' });
    const first = await send(request);
    expect(first.statusCode).toBe(201);
    expect(first.json()).toEqual({ customerId: expect.stringMatching(/^[0-9a-f]{20}$/), ...request });
    expect((await send(request)).json()).toEqual(first.json());
    const other = await send({ name: 'Other' });
    expect([other.statusCode, other.json()]).toEqual([
      422,
      expect.objectContaining({ code: 'idempotency-key-reused' }),
    ]);
    expect((await service.get('/v1/customers')).json()).toMatchObject({ items: [request] });
  });

  it.each([
    [{}, '/name'],
    [{ name: '' }, '/name'],
    [{ name: 'Acme', email: 'nobody' }, '/email'],
    [{ name: 'x'.repeat(201) }, '/name'],
    [{ name: 'Acme', customerId: 'mine' }, ''],
  ])('%j is a problem with the pointer %p', async (body, pointer) => {
    const service = await CatalogService.start();
    const response = await service.send('POST', '/v1/customers', body);
    expect(response.statusCode).toBe(422);
    expect(response.json()).toMatchObject({ errors: [{ pointer }] });
    await service.caughtUp();
    expect((await service.get('/v1/customers')).json()).toMatchObject({ items: [] });
  });
});
