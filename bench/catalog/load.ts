import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** One way to ask: what it is called in the report, and a path to ask for. */
export interface Request {
  readonly name: string;
  readonly path: string;
}

export interface Answered {
  readonly name: string;
  /** From when it was due, not from when it left: a queue before a slow server counts. */
  readonly ms: number;
  readonly status: number;
  readonly bytes: number;
}

/**
 * Sends requests at an even rate, whether or not earlier ones were answered, and waits for all answers.
 * @param next the n-th request
 */
export async function load(
  url: string,
  headers: Record<string, string>,
  ratePerSec: number,
  seconds: number,
  next: (n: number) => Request,
): Promise<readonly Answered[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const start = performance.now();
  const answers: Promise<Answered>[] = [];
  for (let n = 0; n < ratePerSec * seconds; n++) {
    const due = start + (n * 1000) / ratePerSec;
    const wait = due - performance.now();
    if (wait > 1) await sleep(wait);
    answers.push(ask(agent, url, headers, next(n), due));
  }
  const all = await Promise.all(answers);
  agent.destroy();
  return all;
}

function ask(
  agent: Agent,
  url: string,
  headers: Record<string, string>,
  { name, path }: Request,
  due: number,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = get(`${url}${path}`, { agent, headers }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.on('end', () => resolve({ name, ms: performance.now() - due, status: response.statusCode ?? 0, bytes }));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}

/** The p-th of some values (0…1), by the nearest rank. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN;
}
