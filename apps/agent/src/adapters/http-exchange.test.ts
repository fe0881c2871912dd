import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { boundedBody, exchange } from './http-exchange.js';

/** Says its first bytes at once, and then one more now and then, for ever. */
const drip = createServer((_request, response) => {
  response.write('{');
  const dripping = setInterval(() => response.write(' '), 20);
  response.on('close', () => clearInterval(dripping));
});
let url: string;
let collecting: NodeJS.Timeout | undefined;

beforeEach(async () => {
  await new Promise<void>((listening) => drip.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(drip.address() as AddressInfo).port}/`;
});

/** What isn't held is gone soon: only then does a forgotten signal show. Begins with the answer, since a worker's large heap takes its time. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collecting = setInterval(collect, 50);
}

afterEach(async () => {
  clearInterval(collecting);
  drip.closeAllConnections();
  await new Promise((closed) => drip.close(closed));
});

it('ends a body that never ends, when its time is over, though its request was collected', async () => {
  const response = await exchange({ method: 'GET', url, headers: {}, timeoutMs: 3_000 });
  collectGarbage();
  const reading = boundedBody(response, 1024 * 1024);
  await expect(reading).rejects.toMatchObject({ code: 'service-unavailable', cause: { name: 'TimeoutError' } });
});

it('ends it early when it is told to', async () => {
  const stop = new AbortController();
  const response = await exchange({ method: 'GET', url, headers: {}, timeoutMs: 60_000, signal: stop.signal });
  collectGarbage();
  const reading = boundedBody(response, 1024 * 1024);
  setTimeout(() => stop.abort(), 500);
  await expect(reading).rejects.toMatchObject({ code: 'service-unavailable', cause: { name: 'AbortError' } });
});
