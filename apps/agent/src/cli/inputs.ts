import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { type TrustKeys, trustKeysSchema } from '#libs/contracts';
import type { Status } from '../domain/status.js';
import { AgentError } from '../errors.js';

const maxBytes = 1024 * 1024;

/** @param file `-` for standard input: a licence given as an argument would be seen by everybody in the list of processes. */
export async function readLicense(file: string): Promise<string> {
  const license = (await readInput(file)).trim();
  if (/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(license) && license.length <= 8192) return license;
  throw new AgentError('bad-input', `${file} holds no licence`, 'a licence is one line: three parts joined by dots');
}

export async function readTrust(file: string): Promise<TrustKeys> {
  const text = await readInput(file);
  try {
    return trustKeysSchema.parse(JSON.parse(text));
  } catch (cause) {
    const advice = 'it is what the service answers to GET /v1/trust/keys; get it by a way that you trust';
    throw new AgentError('bad-input', `${file} holds no trusted keys`, advice, { cause });
  }
}

async function readInput(file: string): Promise<string> {
  try {
    const bytes = file === '-' ? await buffer(process.stdin) : await readFile(file);
    if (bytes.length <= maxBytes) return bytes.toString('utf8');
  } catch (cause) {
    throw new AgentError('bad-input', `${file}: ${(cause as Error).message}`, undefined, { cause });
  }
  throw new AgentError('bad-input', `${file} has more than ${maxBytes} bytes`);
}

export function registeredLines({ machineId, tier, leaseEnds, kernel }: Status): string[] {
  return [
    `registered as ${machineId}, tier ${tier}, for ${kernel?.release}; the lease runs until ${leaseEnds} and renews itself`,
    '  → `splicecast upgrade` applies what there is now; `splicecast run` keeps the machine patched',
  ];
}
