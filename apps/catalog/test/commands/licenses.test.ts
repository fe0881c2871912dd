import { z } from 'zod';
import { fact } from '#libs/contracts';
import { CatalogService } from '../service.js';
import { cleanUp, later } from '../stand.js';
import { issuedSchema, newCustomer, signedService } from './signed-service.js';

afterEach(cleanUp);

const rule = (answer: { body: { rules: { rule: string }[] } }, name: string) =>
  answer.body.rules.find((one) => one.rule === name);

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
    for (const [body, key, status, code] of [
      [trial, 'two', 409, 'trial-already-issued'],
      [{ ...trial, seats: 4 }, 'one', 422, 'idempotency-key-reused'],
    ] as const) {
      const response = await send(body, key);
      expect([response.statusCode, response.json()]).toEqual([status, expect.objectContaining({ code })]);
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

  it('is one trial for all customers of an organisation', async () => {
    const { service } = await signedService();
    const register = async (name: string, organisation: string) => {
      const response = await service.send('POST', '/v1/customers', { name, organisation });
      expect(response.body).not.toContain('organisation');
      return z.object({ customerId: z.string() }).parse(response.json()).customerId;
    };
    const trial = (customerId: string) =>
      service.send('POST', '/v1/licenses', { customerId, plan: 'trial', distro: 'debian' });
    expect((await trial(await register('Acme Berlin', 'Acme.example'))).statusCode).toBe(201);
    const second = await trial(await register('Acme Paris', ' acme.EXAMPLE '));
    expect([second.statusCode, second.json()]).toEqual([
      409,
      expect.objectContaining({ code: 'trial-already-issued' }),
    ]);
    expect((await trial(await register('Bmce', 'bmce.example'))).statusCode).toBe(201);
    expect((await service.get('/v1/customers')).body.toLowerCase()).not.toContain('acme.example');
  });

  it('is renewed, extended and handed on, each wish once', async () => {
    const { service } = await signedService();
    const customerId = await newCustomer(service);
    const buyer = await newCustomer(service, 'Bmce');
    const plan = { customerId, plan: 'subscription', distro: 'debian' };
    const { licenseId } = issuedSchema.parse((await service.send('POST', '/v1/licenses', plan)).json());
    const change = async (what: string, body: object, key: string) => {
      const url = `/v1/licenses/${licenseId}/${what}`;
      const response = await service.send('POST', url, body, { 'idempotency-key': key });
      return [response.statusCode, response.json()] as const;
    };
    const renewed = [
      200,
      expect.objectContaining({ rev: 2, terms: expect.objectContaining({ expiresAt: '2028-11-22T12:00:00.000Z' }) }),
    ];
    expect(await change('renewal', {}, 'one')).toEqual(renewed);
    expect(await change('renewal', {}, 'one')).toEqual(renewed);
    const extended = { days: 7, reason: 'we were away' };
    expect(await change('extension', extended, 'two')).toMatchObject([
      200,
      { rev: 3, terms: { expiresAt: '2028-11-29T12:00:00.000Z' } },
    ]);
    expect(await change('extension', { ...extended, days: 366 }, 'three')).toMatchObject([
      422,
      { code: 'too-many-days' },
    ]);
    const transfer = { customerId: buyer, reason: 'bought' };
    expect(await change('transfer', transfer, 'four')).toMatchObject([200, { customerId: buyer, rev: 4 }]);
    expect(await change('transfer', { ...transfer, customerId: 'nobody' }, 'five')).toMatchObject([404, {}]);
    expect((await service.get(`/v1/licenses/${licenseId}`)).json()).toMatchObject({ customerId: buyer, rev: 4 });
    expect((await service.events.readStream(`license.${licenseId}`)).events).toHaveLength(4);
  });

  it('explains itself, with the events it rests on', async () => {
    const { service } = await signedService();
    const customerId = await newCustomer(service);
    const plan = { customerId, plan: 'trial', distro: 'debian', majors: ['12'] };
    const { licenseId } = issuedSchema.parse((await service.send('POST', '/v1/licenses', plan)).json());
    const explain = async (query: string) => {
      const response = await service.get(`/v1/licenses/${licenseId}/explain?${query}`);
      return { status: response.statusCode, body: response.json() };
    };
    const now = await explain('major=12');
    expect(now).toMatchObject({ status: 200, body: { entitled: true } });
    expect(rule(now, 'license-expired')).toMatchObject({ verdict: 'passes', because: [{ type: 'TrialIssued' }] });
    expect(rule(now, 'no-seat-left')).toMatchObject({ verdict: 'not-asked' });
    const later = await explain('major=12&at=2027-06-01T00:00:00Z');
    expect(later).toMatchObject({ body: { entitled: false } });
    expect(rule(later, 'license-expired')).toMatchObject({
      verdict: 'refuses',
      change: expect.stringContaining('subscription'),
    });
    expect(await explain('at=2020-01-01T00:00:00Z')).toMatchObject({ status: 404 });
    expect(await explain('machine=nobody')).toMatchObject({ status: 404 });
    expect(await explain('at=yesterday')).toMatchObject({ status: 422 });
    expect(await explain('color=red')).toMatchObject({ status: 422 });
    await service.send('DELETE', `/v1/licenses/${licenseId}`, { reason: 'unpaid' });
    expect(rule(await explain('major=12'), 'license-revoked')).toMatchObject({
      verdict: 'refuses',
      because: [{ type: 'LicenseRevoked', reason: 'unpaid' }],
    });
  });

  it('explains a machine by its own words and its seat', async () => {
    const { service } = await signedService();
    const customerId = await newCustomer(service);
    const plan = { customerId, plan: 'trial', distro: 'debian', seats: 1 };
    const { licenseId } = issuedSchema.parse((await service.send('POST', '/v1/licenses', plan)).json());
    const kernel = {
      distro: 'debian',
      major: '12',
      arch: 'x86_64',
      release: '6.1.0-54-amd64',
      buildId: 'ab'.repeat(20),
    } as const;
    const enrolled = { machineId: 'm1', licenseId, customerId, keyThumbprint: 'k'.repeat(43), kernel };
    await service.append([['machine.m1', fact('MachineEnrolled', enrolled)]]);
    const url = `/v1/licenses/${licenseId}/explain?machine=m1`;
    expect((await service.get(url)).json()).toMatchObject({ status: 503, code: 'feed-unavailable' });
    const asked: unknown[] = [];
    const feed = await service.requests.respond('feed.standing', 'feed', async (body) => {
      asked.push(body);
      return { seated: false, otherMachines: 1, enrolmentsToday: 1, reinstalls: 0 };
    });
    later(() => feed.stop());
    const answer = (await service.get(url)).json();
    expect(asked).toEqual([{ licenseId, machineId: 'm1' }]);
    expect(answer).toMatchObject({ entitled: false });
    expect(answer.rules).toContainEqual(
      expect.objectContaining({
        rule: 'no-seat-left',
        verdict: 'refuses',
        because: [expect.objectContaining({ type: 'MachineEnrolled' })],
      }),
    );
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
