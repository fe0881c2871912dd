import { sampleLog } from './sample.js';
import { CatalogService } from './service.js';
import { cleanUp } from './stand.js';

afterEach(cleanUp);

/** m1 has a seat of l1, m2 never had one. */
async function machines() {
  const service = await CatalogService.start();
  const ended = sampleLog.findIndex(([stream]) => stream === 'machine.m9');
  await service.append(sampleLog.slice(0, ended));
  const send = (path: string, reason = 'moved', headers: Record<string, string> = {}) =>
    service.send('POST', `/v1/machines/${path}`, { reason }, headers);
  const stateOf = async (id: string) => (await service.get(`/v1/machines/${id}`)).json();
  const eventsOf = async (id: string) => (await service.events.readStream(`machine.${id}`)).events;
  return { service, send, stateOf, eventsOf };
}

describe('a machine', () => {
  it('is released: its seat is free, its lease is gone, and what is applied on it is shown on', async () => {
    const { send, stateOf, eventsOf } = await machines();
    const before = await stateOf('m1');
    expect(before).toMatchObject({ state: 'leased', leaseId: 'le1' });
    const answer = await send('m1/release');
    expect([answer.statusCode, answer.json()]).toEqual([200, { machineId: 'm1', state: 'released' }]);
    const after = await stateOf('m1');
    expect(after).toMatchObject({ state: 'released', reasons: [{ code: 'machine-released', reason: 'moved' }] });
    expect(after).not.toHaveProperty('leaseId');
    expect([after.applied, after.effectiveKernel]).toEqual([before.applied, before.effectiveKernel]);
    const events = await eventsOf('m1');
    expect((await send('m1/release', 'again')).statusCode).toBe(200);
    expect(await eventsOf('m1')).toEqual(events);
    expect(events.at(-1)).toMatchObject({ envelope: { actor: 'admin' }, fact: { data: { licenseId: 'l1' } } });
  });

  it('without a seat is none of its licence’s, but of what it was', async () => {
    const { service, send } = await machines();
    const has = async (query = '') =>
      (await service.get(`/v1/licenses/l1${query}`)).json<{ machines: number }>().machines;
    const before = await service.events.lastPosition();
    expect(await has()).toBe(1);
    await send('m1/release');
    expect([await has(), await has(`?asOf=${before}`)]).toEqual([0, 1]);
    await send('m1/retirement');
    expect(await has()).toBe(0);
  });

  it('is retired for good, whether it was ever let in or not', async () => {
    const { send, stateOf } = await machines();
    for (const id of ['m1', 'm2']) {
      expect((await send(`${id}/retirement`, 'stolen')).json()).toEqual({ machineId: id, state: 'retired' });
      expect(await stateOf(id)).toMatchObject({
        state: 'retired',
        reasons: [{ code: 'machine-retired', reason: 'stolen' }],
      });
    }
    expect((await send('m1/release')).json()).toMatchObject({ status: 409, code: 'machine-retired' });
  });

  it('has no seat to give up that it never had', async () => {
    const { send } = await machines();
    expect((await send('m2/release')).json()).toMatchObject({ status: 409, code: 'machine-not-enrolled' });
    for (const path of ['nobody/release', 'nobody/retirement', 'No.Body/release']) {
      expect((await send(path)).json()).toMatchObject({ status: 404, code: 'not-found' });
    }
  });
});

describe('a wish', () => {
  const key = { 'idempotency-key': 'wish-1' };

  it('names one request: told with something else, it is refused and nothing is done', async () => {
    const { service, send, eventsOf } = await machines();
    expect((await send('m1/release', 'moved', key)).statusCode).toBe(200);
    const last = await eventsOf('m1');
    for (const again of [
      () => send('m1/release', 'sold', key),
      () => send('m1/retirement', 'moved', key),
      () => send('m2/retirement', 'moved', key),
      () => service.send('POST', '/v1/customers', { name: 'Acme' }, key),
    ]) {
      const answer = await again();
      expect([answer.statusCode, answer.json()]).toEqual([
        422,
        expect.objectContaining({ code: 'idempotency-key-reused' }),
      ]);
    }
    expect(await eventsOf('m1')).toEqual(last);
    expect((await send('m1/release', 'moved', key)).statusCode).toBe(200);
    expect((await send('m1/release', 'sold', { 'idempotency-key': 'wish-2' })).statusCode).toBe(200);
  });

  it('that was refused may be told in other words', async () => {
    const { service } = await machines();
    const send = (body: object) => service.send('POST', '/v1/customers', body, key);
    expect((await send({ nome: 'Acme' })).statusCode).toBe(422);
    expect((await send({ name: 'Acme' })).statusCode).toBe(201);
  });

  it('is each token’s own', async () => {
    const { service } = await machines();
    const issued = await service.send('POST', '/v1/tokens', { name: 'ci', role: 'operator' });
    const { secret } = issued.json<{ secret: string }>();
    const send = (name: string, authorization = {}) =>
      service.send('POST', '/v1/customers', { name }, { ...key, ...authorization });
    const [mine, theirs] = [await send('Acme'), await send('Bmce', { authorization: `Bearer ${secret}` })];
    expect([mine.statusCode, theirs.statusCode]).toEqual([201, 201]);
    expect(mine.json<{ customerId: string }>().customerId).not.toBe(theirs.json<{ customerId: string }>().customerId);
  });

  it('is one line of printable characters', async () => {
    const { service } = await machines();
    for (const bad of ['', 'a b', 'x'.repeat(256)]) {
      const answer = await service.send('POST', '/v1/customers', { name: 'Acme' }, { 'idempotency-key': bad });
      expect([answer.statusCode, answer.json()]).toEqual([422, expect.objectContaining({ code: 'invalid-request' })]);
    }
  });
});
