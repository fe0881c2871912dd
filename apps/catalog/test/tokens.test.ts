import { z } from 'zod';
import { CatalogService } from './service.js';
import { cleanUp, until } from './stand.js';

afterEach(cleanUp);

const freshSchema = z.object({ tokenId: z.string(), secret: z.string() });

async function issue(service: CatalogService, role: string, changed: object = {}) {
  const response = await service.send('POST', '/v1/tokens', { name: `a ${role}`, role, ...changed });
  expect([response.statusCode, response.json()]).toEqual([201, expect.anything()]);
  const fresh = freshSchema.parse(response.json());
  const as = (method: 'GET' | 'POST' | 'DELETE', url: string, body?: object) =>
    service.send(method, url, body, { authorization: `Bearer ${fresh.secret}` });
  return { ...fresh, as };
}

describe('roles', () => {
  it('a viewer reads, an operator changes things, an admin gives tokens', async () => {
    const service = await CatalogService.start();
    const answers: Record<string, number[]> = {};
    for (const role of ['viewer', 'operator', 'admin']) {
      const { as } = await issue(service, role);
      const read = await as('GET', '/v1/customers');
      const change = await as('POST', '/v1/customers', { name: `of ${role}` });
      const tokens = await as('GET', '/v1/tokens');
      answers[role] = [read.statusCode, change.statusCode, tokens.statusCode];
    }
    expect(answers).toEqual({ viewer: [200, 403, 403], operator: [200, 201, 403], admin: [200, 201, 200] });
  });

  it('say what is missing', async () => {
    const service = await CatalogService.start();
    const { as, tokenId } = await issue(service, 'viewer');
    const refused = await as('POST', '/v1/customers', { name: 'x' });
    expect(refused.json()).toMatchObject({ code: 'role-too-low', title: expect.stringContaining('operator') });
    expect(refused.json()).toMatchObject({ detail: expect.stringContaining(tokenId) });
  });
});

describe('a token', () => {
  it('is shown once, and neither in lists nor in the log', async () => {
    const service = await CatalogService.start();
    const { tokenId, secret } = await issue(service, 'viewer');
    const listed = await service.get('/v1/tokens');
    expect(listed.json()).toMatchObject({ items: [{ tokenId, name: 'a viewer', role: 'viewer', state: 'active' }] });
    const { events } = await service.events.readStream(`access.${tokenId}`);
    for (const text of [listed.body, JSON.stringify(events)]) expect(text).not.toContain(secret);
  });

  it('is rotated: the secret before works on for the overlap alone', async () => {
    const service = await CatalogService.start();
    const { tokenId, as } = await issue(service, 'viewer');
    const rotate = (overlapSec: number, key: string) =>
      service.send('POST', `/v1/tokens/${tokenId}/rotation`, { overlapSec }, { 'idempotency-key': key });
    const second = freshSchema.parse((await rotate(60, 'one')).json());
    expect((await rotate(60, 'one')).json()).toMatchObject({ code: 'done-before' });
    const bySecond = { authorization: `Bearer ${second.secret}` };
    const status = async () => [
      (await as('GET', '/v1/customers')).statusCode,
      (await service.get('/v1/customers', bySecond)).statusCode,
    ];
    await until('both work', async () => (await status()).join() === '200,200');
    await rotate(0, 'two');
    await until('neither works', async () => (await status()).every((one) => one !== 200));
  });

  it('is revoked', async () => {
    const service = await CatalogService.start();
    const { tokenId, as } = await issue(service, 'operator');
    const revoked = await service.send('DELETE', `/v1/tokens/${tokenId}`, { reason: 'left the team' });
    expect([revoked.statusCode, revoked.json()]).toEqual([200, { tokenId, state: 'revoked' }]);
    await until('it is refused', async () => (await as('GET', '/v1/customers')).statusCode !== 200);
    expect((await service.send('DELETE', '/v1/tokens/nope', { reason: 'x' })).statusCode).toBe(404);
  });

  it('that is nobody’s is refused, and who tries many is slowed down', async () => {
    const service = await CatalogService.start();
    const attempt = () => service.get('/v1/customers', { authorization: `Bearer guess-${Math.random()}` });
    const statuses: number[] = [];
    for (let i = 0; i < 22; i++) statuses.push((await attempt()).statusCode);
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 401), 429, 429]);
    // Who has a token is let in all the same, from the same address.
    expect((await service.get('/v1/customers')).statusCode).toBe(200);
    const slowed = await attempt();
    expect(slowed.headers['retry-after']).toMatch(/^\d+$/);
    expect(slowed.json()).toMatchObject({ code: 'too-many-requests' });
  });
});

describe('the audit', () => {
  it('has each call that may have changed something, and each that was refused for its role; never a body', async () => {
    const service = await CatalogService.start();
    const { tokenId, as } = await issue(service, 'operator');
    await as('POST', '/v1/customers', { name: 'A secret customer' });
    await as('POST', '/v1/customers', { wrong: true });
    await as('GET', '/v1/customers');
    await as('GET', '/v1/tokens');
    const recorded = async () => {
      const { events } = await service.events.readStream('audit.2026-11-23');
      return events.flatMap(({ fact }) => (fact.type === 'AdminCalled' ? [fact.data] : []));
    };
    await until('four calls', async () => (await recorded()).length >= 4);
    const calls = await recorded();
    expect(calls.map(({ tokenId, method, route, status }) => [tokenId, method, route, status])).toEqual([
      ['root', 'POST', '/v1/tokens', 201],
      [tokenId, 'POST', '/v1/customers', 201],
      [tokenId, 'POST', '/v1/customers', 422],
      [tokenId, 'GET', '/v1/tokens', 403],
    ]);
    expect(JSON.stringify(calls)).not.toContain('secret customer');
  });

  it('names the token in what it gave rise to', async () => {
    const service = await CatalogService.start();
    const { tokenId, as } = await issue(service, 'operator');
    const { customerId } = (await as('POST', '/v1/customers', { name: 'Acme' })).json<{ customerId: string }>();
    const { events } = await service.events.readStream(`customer.${customerId}`);
    expect(events.map(({ envelope }) => envelope.actor)).toEqual([`token:${tokenId}`]);
  });
});

describe('what the process tells of itself', () => {
  it('Prometheus reads it with a viewer’s token, and routes are counted by their patterns', async () => {
    const service = await CatalogService.start();
    const { as } = await issue(service, 'viewer');
    await as('GET', '/v1/customers/nobody');
    await as('GET', '/v1/guess/12345');
    await service.caughtUp();
    const answer = await as('GET', '/metrics');
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, expect.stringContaining('text/plain')]);
    expect(answer.body).toMatch(
      /splicecast_http_request_seconds_count\{method="GET",route="\/v1\/customers\/:id",status="404"\} 1/,
    );
    expect(answer.body).toContain('splicecast_projection_lag_commits{projection="catalog"} 0');
    expect(answer.body).not.toContain('12345');
    expect((await service.app.inject({ method: 'GET', url: '/metrics' })).statusCode).toBe(401);
  });

  it('anybody may ask whether it is ready', async () => {
    const service = await CatalogService.start();
    const ready = await service.app.inject({ method: 'GET', url: '/readyz' });
    expect([ready.statusCode, ready.json()]).toEqual([200, { status: 'ok' }]);
  });
});
