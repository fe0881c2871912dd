import { get as getPlain, type IncomingMessage } from 'node:http';
import { get as getSecure } from 'node:https';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TufError } from '../errors.js';
import { type Allowance, Fetcher } from './fetcher.js';

export interface HttpLimits {
  /** For the first byte, and between any two. */
  readonly idleMs: number;
  /** For a file of any size … */
  readonly baseMs: number;
  /** … and beyond that as long as this rate needs for what was allowed: a mirror that drips is given up on. */
  readonly minBytesPerSec: number;
}

export const standardHttpLimits: HttpLimits = { idleMs: 10_000, baseMs: 20_000, minBytesPerSec: 16 * 1024 };

/** Fetches below a base URL over HTTP(S). No redirects: the mirror that was configured is the one that is asked. */
export class HttpFetcher extends Fetcher {
  /** Ends with a slash. */
  readonly baseUrl: string;

  constructor(
    baseUrl: string,
    readonly limits: HttpLimits = standardHttpLimits,
  ) {
    super();
    this.baseUrl = baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`;
  }

  override async fetch(name: string, { maxBytes }: Allowance): Promise<Buffer | undefined> {
    const { baseMs, minBytesPerSec } = this.limits;
    const deadline = AbortSignal.timeout(Math.ceil(baseMs + (maxBytes * 1000) / minBytesPerSec));
    const url = new URL(this.baseUrl + name);
    try {
      const response = await this.#open(url, deadline);
      if (isMissing(response.statusCode)) {
        response.destroy();
        return undefined;
      }
      if (response.statusCode !== 200) {
        response.destroy();
        throw new TufError('unreachable', `${url.pathname}: the mirror answers with status ${response.statusCode}`);
      }
      return await readBounded(response, maxBytes, deadline);
    } catch (cause) {
      if (cause instanceof TufError) throw cause;
      if (deadline.aborted) throw new TufError('slow-retrieval', `${url.pathname} took too long`, { cause });
      throw new TufError('unreachable', `${url.pathname}: the mirror could not be read`, { cause });
    }
  }

  #open(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    const { idleMs } = this.limits;
    const get = url.protocol === 'https:' ? getSecure : getPlain;
    return new Promise((resolve, reject) => {
      const headers = { 'accept-encoding': 'gzip' };
      const request = get(url, { headers, signal, agent: false, maxHeaderSize: 8192 }, resolve);
      request.on('error', reject);
      request.setTimeout(idleMs, () => {
        request.destroy(new TufError('slow-retrieval', `${url.pathname}: nothing came for ${idleMs} ms`));
      });
    });
  }
}

function isMissing(status: number | undefined): boolean {
  return status === 403 || status === 404 || status === 410;
}

/**
 * **Endless data.** Both what comes over the wire and what it unpacks to are counted as they come, so neither a stream without an
 * end nor a small file that unpacks to a huge one is ever held in memory.
 */
async function readBounded(response: IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const endless = new TufError(
    'endless-data',
    `the mirror sends more than the ${maxBytes} bytes that the file may have`,
  );
  let onWire = 0;
  // What is stored unpacked may be a little longer packed: gzip adds 18 bytes and 5 for every 16 kB or more.
  const maxOnWire = maxBytes + 64 + Math.ceil(maxBytes / 1024);
  response.on('data', (chunk: Buffer) => {
    onWire += chunk.length;
    if (onWire > maxOnWire) response.destroy(endless);
  });
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip') {
    response.destroy();
    throw new TufError('unreachable', `the mirror answers in an encoding that was not asked for: ${encoding}`);
  }
  const plain: Readable = encoding === 'gzip' ? gunzipped(response) : response;
  const stop = (): void => void plain.destroy(new TufError('slow-retrieval', 'the file took too long'));
  signal.addEventListener('abort', stop, { once: true });
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) throw endless;
      chunks.push(chunk);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    response.destroy();
  }
  return Buffer.concat(chunks, length);
}

function gunzipped(response: IncomingMessage): Readable {
  const gunzip = createGunzip();
  response.on('error', (cause) => gunzip.destroy(cause));
  return response.pipe(gunzip);
}
