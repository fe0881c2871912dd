import { z } from 'zod';
import { bundleFacts } from './sample.js';
import { CatalogService } from './service.js';
import { cleanUp, later } from './stand.js';

afterEach(cleanUp);

const issuedSchema = z.object({ licenseId: z.string(), terms: z.object({ expiresAt: z.string() }) });
const customerSchema = z.object({ customerId: z.string() });

/** A service, and how a wish is told under a key. */
async function service() {
  const catalog = await CatalogService.start();
  const responder = await catalog.requests.respond('sign.license', 'sign', async () => ({ token: 'token' }));
  later(() => responder.stop());
  const tell = async (key: string, method: 'POST' | 'DELETE', url: string, body: object) => {
    const response = await catalog.send(method, url, body, { 'idempotency-key': key });
    return { status: response.statusCode, body: response.json<unknown>() };
  };
  return { catalog, tell };
}

describe('a wish that is told again because its answer got lost', () => {
  it('on a licence is answered as it was, whatever has been done since', async () => {
    const { catalog, tell } = await service();
    const register = async (name: string) =>
      customerSchema.parse((await tell(name, 'POST', '/v1/customers', { name })).body).customerId;
    const [holder, buyer] = [await register('A'), await register('B')];
    const plan = { customerId: holder, plan: 'subscription', distro: 'debian' };
    const first = issuedSchema.parse((await tell('issue', 'POST', '/v1/licenses', plan)).body);
    const url = `/v1/licenses/${first.licenseId}`;
    const renew = (key: string) => tell(key, 'POST', `${url}/renewal`, {});
    const extend = () => tell('extend', 'POST', `${url}/extension`, { days: 366, reason: 'we were away' });
    const wishes = [
      () => renew('one'),
      extend,
      () => tell('hand-on', 'POST', `${url}/transfer`, { customerId: buyer, reason: 'sold' }),
      () => renew('two'),
    ];
    const tellAll = async () => {
      const answers = [];
      for (const wish of wishes) answers.push(await wish());
      return answers;
    };
    const answers = await tellAll();
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const { events } = await catalog.events.readStream(`license.${first.licenseId}`);

    expect(await tellAll()).toEqual(answers);
    // A token is of the terms as they are: the licence is answered, with these.
    const again = await tell('issue', 'POST', '/v1/licenses', plan);
    const now = issuedSchema.parse(again.body);
    expect([again.status, now.licenseId]).toEqual([201, first.licenseId]);
    expect(now.terms.expiresAt > first.terms.expiresAt).toBe(true);

    const revoked = await tell('revoke', 'DELETE', url, { reason: 'unpaid' });
    expect(await extend()).toEqual(answers[1]);
    expect(await tell('revoke', 'DELETE', url, { reason: 'unpaid' })).toEqual(revoked);
    expect(await tell('issue', 'POST', '/v1/licenses', plan)).toMatchObject({
      status: 409,
      body: { code: 'license-revoked' },
    });
    // The same wish in other words is none that was carried out.
    expect(await tell('issue', 'POST', '/v1/licenses', { ...plan, seats: 99 })).toMatchObject({ status: 422 });
    const after = await catalog.events.readStream(`license.${first.licenseId}`);
    expect(after.events).toHaveLength(events.length + 1);
  });

  it('on a bundle is answered as it was, though it has climbed on or was withdrawn since', async () => {
    const { catalog, tell } = await service();
    await catalog.append([['bundle.b1', ...bundleFacts('b1', 'f1')]]);
    const promote = (tier: string) => tell(`to-${tier}`, 'POST', '/v1/bundles/b1/promote', { tier });
    const [canary, stable] = [await promote('canary'), await promote('stable')];
    expect(await promote('canary')).toEqual(canary);
    const recalled = await tell('recall', 'POST', '/v1/bundles/b1/recall', { reason: 'crashes' });
    expect(await promote('canary')).toEqual(canary);
    expect(await promote('stable')).toEqual(stable);
    expect(await tell('recall', 'POST', '/v1/bundles/b1/recall', { reason: 'crashes' })).toEqual(recalled);
    // Who wishes it for the first time now is told that it isn't possible.
    expect(await tell('late', 'POST', '/v1/bundles/b1/promote', { tier: 'stable' })).toMatchObject({ status: 409 });
    expect((await catalog.events.readStream('bundle.b1')).events).toHaveLength(5);
  });
});
