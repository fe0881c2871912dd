import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Problem } from '#libs/service';

/** The checkout of a clone without blobs names each file of a kernel at once: 90,000, 50 bytes each. */
export const maxAskedBytes = 8 * 1024 * 1024;
const longestReadMs = 30_000;
/** What git says that it sends. */
export const requestType = 'application/x-git-upload-pack-request';
const unzip = promisify(gunzip);

/**
 * Reads what a client asks, bounded in size and time; git compresses what is longer than a kilobyte.
 * @throws Problem for another type or encoding, or bytes that aren't what they claim to be
 */
export async function askedOf(request: IncomingMessage): Promise<Buffer> {
  const { 'content-type': type, 'content-encoding': encoding = 'identity' } = request.headers;
  if (type !== requestType) {
    throw new Problem({ status: 415, code: 'unsupported-media-type', title: `Only ${requestType} is accepted here` });
  }
  if (encoding === 'identity') return read(request);
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new Problem({
      status: 415,
      code: 'unsupported-encoding',
      title: 'Only gzip is accepted as an encoding here',
    });
  }
  return unzip(await read(request), { maxOutputLength: maxAskedBytes }).catch((error: unknown) => {
    throw codeOf(error) === 'ERR_BUFFER_TOO_LARGE' ? tooLarge() : unreadable(error);
  });
}

/** Reads a body by its events: leaving an iterator would end the connection, and with it the answer. */
async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const settle = (error?: Problem): void => {
      clearTimeout(timer);
      request.off('data', take).off('end', end).off('error', fail).off('close', cut).pause();
      if (error) reject(error);
      else resolve(Buffer.concat(chunks));
    };
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > maxAskedBytes) settle(tooLarge());
    };
    const end = (): void => settle();
    const fail = (error: Error): void => settle(unreadable(error));
    const cut = (): void => settle(unreadable(new Error('it ended early')));
    const slow = new Problem({ status: 408, code: 'too-slow', title: 'The request took too long to come' });
    const timer = setTimeout(() => settle(slow), longestReadMs);
    request.on('data', take).on('end', end).on('error', fail).on('close', cut);
  });
}

function tooLarge(): Problem {
  return new Problem({
    status: 413,
    code: 'body-too-large',
    title: `The request is longer than ${maxAskedBytes} bytes`,
  });
}

function unreadable(error: unknown): Problem {
  const detail = error instanceof Error ? error.message : String(error);
  return new Problem({ status: 400, code: 'malformed-body', title: 'The body can not be read', detail });
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
