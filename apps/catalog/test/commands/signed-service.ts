import { z } from 'zod';
import { CatalogService } from '../service.js';
import { later } from '../stand.js';

/** What a licence's issue is answered with. */
export const issuedSchema = z.object({
  licenseId: z.string(),
  terms: z.object({ expiresAt: z.string().optional() }),
  token: z.string(),
});

/** A service with a sign stage that answers, and what that was asked. */
export async function signedService() {
  const service = await CatalogService.start();
  const asked: unknown[] = [];
  const responder = await service.requests.respond('sign.license', 'sign', async (body) => {
    asked.push(body);
    return { token: `token-${asked.length}` };
  });
  later(() => responder.stop());
  return { service, asked };
}

export async function newCustomer(service: CatalogService, name = 'Acme'): Promise<string> {
  const response = await service.send('POST', '/v1/customers', { name });
  expect(response.statusCode).toBe(201);
  return z.object({ customerId: z.string() }).parse(response.json()).customerId;
}
