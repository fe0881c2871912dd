import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { z } from 'zod';
import { ServiceClient } from './index.js';

let server: Server;
let client: ServiceClient;
let answer: { status: number; body: string };

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/broken') request.socket.destroy();
    else response.writeHead(answer.status).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new ServiceClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'token');
});
afterAll(() => server.close());

const get = async (path = '/v1/x') => await client.get(path, z.object({ a: z.number() }));

test('an answer is read, and what isn’t there is nothing', async () => {
  answer = { status: 200, body: '{"a":1}' };
  expect(await get()).toEqual({ a: 1 });
  answer = { status: 404, body: '{"title":"not found"}' };
  expect(await client.find('/v1/x', z.object({}))).toBeUndefined();
});

test('a problem document is told in one line', async () => {
  const errors = [{ pointer: '/distro', detail: 'is missing' }];
  answer = { status: 400, body: JSON.stringify({ title: 'Invalid request', detail: 'see errors', errors }) };
  await expect(get()).rejects.toMatchObject({
    status: 400,
    message: 'GET /v1/x → 400 Invalid request: see errors: /distro is missing',
  });
});

test('another program that answers there is told as such, without its page', async () => {
  for (const status of [200, 404]) {
    answer = { status, body: '<html>hello</html>' };
    const error = await get().catch((cause: unknown) => cause);
    expect(error).toMatchObject({ status, message: expect.stringContaining('no Splicecast service') });
    expect(String(error)).not.toContain('<html>');
  }
});

test('who can’t be reached is named, with the reason', async () => {
  await expect(get('/broken')).rejects.toMatchObject({ status: 0, message: expect.stringContaining('broke off') });
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const url = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`;
  gone.close();
  await once(gone, 'close');
  await expect(new ServiceClient(url, 'token').get('/v1/x', z.object({}))).rejects.toMatchObject({
    name: 'ServiceError',
    status: 0,
    message: `can’t reach the service at ${url}: nothing listens there: start the service (\`npm start\`), or say where it is`,
  });
});

test('a folder is not sent, and the service is not blamed', async () => {
  const sent = client.upload(tmpdir(), () => undefined);
  await expect(sent).rejects.toMatchObject({ status: 0, message: `${tmpdir()} is no file, which is what can be sent` });
});
