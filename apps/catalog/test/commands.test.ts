import { z } from 'zod';
import { fact } from '#libs/contracts';
import { bundleFacts, sampleLog } from './sample.js';
import { CatalogService } from './service.js';
import { cleanUp, later } from './stand.js';

afterEach(cleanUp);

const issuedSchema = z.object({
  licenseId: z.string(),
  terms: z.object({ expiresAt: z.string().optional() }),
  token: z.string(),
});

/** A service with a sign stage that answers, and what that was asked. */
async function signedService() {
  const service = await CatalogService.start();
  const asked: unknown[] = [];
  const responder = await service.requests.respond('sign.license', 'sign', async (body) => {
    asked.push(body);
    return { token: `token-${asked.length}` };
  });
  later(() => responder.stop());
  return { service, asked };
}

async function newCustomer(service: CatalogService, name = 'Acme'): Promise<string> {
  const response = await service.send('POST', '/v1/customers', { name });
  expect(response.statusCode).toBe(201);
  return z.object({ customerId: z.string() }).parse(response.json()).customerId;
}

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
    expect([other.statusCode, other.json()]).toEqual([409, expect.objectContaining({ code: 'customer-exists' })]);
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
    expect(await service.events.lastPosition()).toBe(0);
  });
});

describe('a licence', () => {
  it('is a trial of 30 days on a foreign distribution, signed', async () => {
    const { service, asked } = await signedService();
    const customerId = await newCustomer(service);
    const response = await service.send('POST', '/v1/licenses', {
      customerId,
      plan: 'trial',
      distro: 'debian',
      seats: 3,
    });
    expect(response.statusCode).toBe(201);
    const { licenseId, token } = issuedSchema.parse(response.json());
    const terms = {
      kind: 'trial',
      distros: ['debian'],
      tier: 'stable',
      seats: 3,
      notBefore: '2026-11-23T12:00:00.000Z',
      expiresAt: '2026-12-23T12:00:00.000Z',
      graceSec: 0,
    };
    expect(response.json()).toEqual({ licenseId, terms, token: 'token-1' });
    expect(asked).toEqual([{ licenseId, customerId, terms, rev: 1, issuedAt: '2026-11-23T12:00:00.000Z' }]);
    for (const url of ['/v1/licenses', `/v1/licenses/${licenseId}`, '/v1/events']) {
      expect((await service.get(url)).body).not.toContain(token);
    }
  });

  it('is the same for the same key, and a second trial is refused', async () => {
    const { service } = await signedService();
    const customerId = await newCustomer(service);
    const send = (body: object, key: string) => service.send('POST', '/v1/licenses', body, { 'idempotency-key': key });
    const trial = { customerId, plan: 'trial', distro: 'debian' };
    const first = issuedSchema.parse((await send(trial, 'one')).json());
    const again = await send(trial, 'one');
    expect([again.statusCode, issuedSchema.parse(again.json()).licenseId]).toEqual([201, first.licenseId]);
    for (const [body, key, code] of [
      [trial, 'two', 'trial-already-issued'],
      [{ ...trial, seats: 4 }, 'one', 'license-exists'],
    ] as const) {
      const response = await send(body, key);
      expect([response.statusCode, response.json()]).toEqual([409, expect.objectContaining({ code })]);
    }
    expect((await send({ ...trial, distro: 'rhel' }, 'three')).statusCode).toBe(201);
    expect((await service.events.readStream(`license.${first.licenseId}`)).events).toHaveLength(1);
  });

  it.each([
    [{ plan: 'trial', distro: 'splicecast' }, 'trial-not-needed', '/distro'],
    [{ plan: 'perpetual', distro: 'debian' }, 'foreign-distribution', '/distro'],
    [{ plan: 'trial', distro: 'debian', expiresAt: '2036-01-01T00:00:00Z' }, 'end-not-negotiable', '/expiresAt'],
    [
      { plan: 'subscription', distro: 'debian', expiresAt: '2016-01-01T00:00:00Z' },
      'ends-before-it-begins',
      '/expiresAt',
    ],
    [{ plan: 'trial', distro: 'debian', seats: 100_000 }, 'too-many-seats', '/seats'],
    [{ plan: 'lifetime', distro: 'debian' }, 'invalid-request', '/plan'],
    [{ plan: 'trial', distro: 'De bian' }, 'invalid-request', '/distro'],
    [{ plan: 'trial' }, 'invalid-request', '/distro'],
    [{ plan: 'trial', distro: 'debian', tier: 'gold' }, 'invalid-request', '/tier'],
  ])('%j is refused as %s with the pointer %s', async (request, code, pointer) => {
    const { service, asked } = await signedService();
    const customerId = await newCustomer(service);
    const response = await service.send('POST', '/v1/licenses', { customerId, ...request });
    expect([response.statusCode, response.json()]).toEqual([422, expect.objectContaining({ code })]);
    expect(response.json()).toMatchObject({ errors: [{ pointer }] });
    expect(asked).toEqual([]);
  });

  it('without end covers the own distribution', async () => {
    const { service } = await signedService();
    const customerId = await newCustomer(service);
    const response = await service.send('POST', '/v1/licenses', {
      customerId,
      plan: 'perpetual',
      distro: 'splicecast',
    });
    expect(response.json()).toMatchObject({ terms: { kind: 'perpetual', distros: ['splicecast'] } });
    expect(response.json()).not.toHaveProperty('terms.expiresAt');
  });

  it('needs a customer who is there', async () => {
    const { service } = await signedService();
    const response = await service.send('POST', '/v1/licenses', {
      customerId: 'nobody',
      plan: 'trial',
      distro: 'debian',
    });
    expect([response.statusCode, response.json()]).toEqual([404, expect.objectContaining({ code: 'not-found' })]);
  });

  it('stands while nobody signs, and is signed later', async () => {
    const service = await CatalogService.start();
    const customerId = await newCustomer(service);
    const response = await service.send('POST', '/v1/licenses', { customerId, plan: 'trial', distro: 'debian' });
    expect([response.statusCode, response.json()]).toEqual([
      503,
      expect.objectContaining({ code: 'signing-unavailable' }),
    ]);
    const { licenseId } = z.object({ licenseId: z.string() }).parse(response.json());
    await service.requests.respond('sign.license', 'sign', async () => ({ token: 'late' }));
    const later = await service.send('POST', `/v1/licenses/${licenseId}/token`);
    expect([later.statusCode, later.json()]).toEqual([200, expect.objectContaining({ licenseId, token: 'late' })]);
  });

  it('is revoked once, and then has no token', async () => {
    const { service } = await signedService();
    const customerId = await newCustomer(service);
    const issued = await service.send('POST', '/v1/licenses', { customerId, plan: 'subscription', distro: 'debian' });
    const { licenseId } = issuedSchema.parse(issued.json());
    for (let i = 0; i < 2; i++) {
      const revoked = await service.send('DELETE', `/v1/licenses/${licenseId}`, { reason: 'unpaid' });
      expect([revoked.statusCode, revoked.json()]).toEqual([200, { licenseId, state: 'revoked' }]);
    }
    expect((await service.events.readStream(`license.${licenseId}`)).events).toHaveLength(2);
    const token = await service.send('POST', `/v1/licenses/${licenseId}/token`);
    expect([token.statusCode, token.json()]).toEqual([409, expect.objectContaining({ code: 'license-revoked' })]);
    expect((await service.send('DELETE', '/v1/licenses/nope', { reason: 'x' })).statusCode).toBe(404);
    expect((await service.send('POST', '/v1/licenses/nope/token')).statusCode).toBe(404);
    expect((await service.send('DELETE', `/v1/licenses/${licenseId}`, {})).statusCode).toBe(422);
  });
});

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

describe('races', () => {
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
