import { jest } from '@jest/globals';
import { z } from 'zod';
import { correlate, inReaction } from '#libs/service';
import { inRequest } from '../src/access/request-context.js';
import { ServiceLog } from '../src/service-log.js';

const lineSchema = z.object({
  message: z.string(),
  requestId: z.string().optional(),
  correlationId: z.string().optional(),
});

let written: string[];
beforeEach(() => {
  written = [];
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
});
afterEach(() => jest.restoreAllMocks());

const lines = () =>
  written
    .join('')
    .trim()
    .split('\n')
    .map((line) => lineSchema.parse(JSON.parse(line)));

/** Says something after the call stack is gone, as what answers does. */
async function later(message: string): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  new ServiceLog(true).log(message, 'test');
}

it('each line names its request, and the beginning that request and reaction follow from', async () => {
  let answered = Promise.resolve();
  inRequest({ id: 'req-1' }, () => {
    correlate('drop-1');
    answered = later('received');
  });
  await answered;
  await inReaction('drop-1', () => later('split'));
  await Promise.all([inReaction('drop-2', () => later('another')), later('nobody’s')]);
  expect(lines()).toEqual([
    { message: 'received', requestId: 'req-1', correlationId: 'drop-1' },
    { message: 'split', correlationId: 'drop-1' },
    { message: 'another', correlationId: 'drop-2' },
    { message: 'nobody’s' },
  ]);
});
