import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ServiceError, unreachable } from './service-error.js';

const blobSchema = z.object({ digest: z.string(), sizeBytes: z.number() });
const problemSchema = z.object({
  title: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).default([]),
});
const requestTimeoutMs = 60_000;
const uploadTimeoutMs = 300_000;

/** An operator's view of a running service: its HTTP API with the admin token. */
export class ServiceClient {
  constructor(
    readonly url: string,
    private readonly adminToken: string,
  ) {}

  /** Reads a resource. `undefined` while it isn't there (404). */
  async find<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    try {
      return await this.get(path, schema);
    } catch (error) {
      if (error instanceof ServiceError && error.status === 404) return undefined;
      throw error;
    }
  }

  async get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return schema.parse(await this.send('GET', path));
  }

  async post<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T> {
    return schema.parse(
      await this.send('POST', path, {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(requestTimeoutMs),
      }),
    );
  }

  async delete<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T> {
    return schema.parse(
      await this.send('DELETE', path, {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    );
  }

  /** Sends a file to the blob store and says how far it is, in bytes. */
  async upload(file: string, onProgress: (sent: number, total: number) => void): Promise<z.infer<typeof blobSchema>> {
    const found = await stat(file);
    if (!found.isFile()) throw new ServiceError(0, `${file} is no file, which is what can be sent`);
    const { size } = found;
    let sent = 0;
    const source = createReadStream(file);
    const counted = source.pipe(
      new Transform({
        transform(chunk: Buffer, _encoding, done) {
          sent += chunk.length;
          onProgress(sent, size);
          done(null, chunk);
        },
      }),
    );
    source.once('error', (error) => counted.destroy(error));
    const answer = await this.send('POST', '/v1/blobs', {
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
      body: Readable.toWeb(counted) as ReadableStream,
      signal: AbortSignal.timeout(uploadTimeoutMs),
      duplex: 'half',
    }).finally(() => {
      // A refusal in mid-upload leaves the rest unread.
      source.destroy();
      counted.destroy();
    });
    const blob = blobSchema.parse(answer);
    if (blob.sizeBytes !== size)
      throw new ServiceError(0, `${basename(file)}: sent ${size} bytes, stored ${blob.sizeBytes}`);
    return blob;
  }

  /**
   * Looks again and again until `ready` gives a value.
   * @throws ServiceError after `timeoutMs`, naming what was waited for.
   */
  async until<T>(what: string, timeoutMs: number, ready: () => Promise<T | undefined>): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const value = await ready();
      if (value !== undefined) return value;
      if (Date.now() > deadline) throw new ServiceError(0, `waited ${timeoutMs / 1000} s for ${what}`);
      await sleep(250);
    }
  }

  private async send(
    method: string,
    path: string,
    init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string>; duplex?: 'half' } = {},
  ): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.adminToken}`, ...init.headers };
    const { response, text } = await exchange(this.url, path, {
      signal: AbortSignal.timeout(requestTimeoutMs),
      ...init,
      method,
      headers,
    });
    const body = jsonOf(text);
    if (body === undefined && text !== '') {
      const what = `${method} ${path} → ${response.status}, and no JSON`;
      throw new ServiceError(response.status, `${what}: what answers at ${this.url} is no Splicecast service`);
    }
    if (response.ok) return body;
    const problem = problemSchema.safeParse(body);
    const why = problem.success ? sentence(problem.data) : response.statusText;
    throw new ServiceError(response.status, `${method} ${path} → ${response.status} ${why}`);
  }
}

/** One request and the whole of its answer. @throws ServiceError with status 0 where none came. */
async function exchange(
  url: string,
  path: string,
  init: RequestInit & { duplex?: 'half' },
): Promise<{ response: Response; text: string }> {
  try {
    const response = await fetch(`${url}${path}`, init);
    return { response, text: await response.text() };
  } catch (error) {
    throw unreachable(url, error);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A problem document (RFC 9457) in one line: title, detail, and each wrong field. */
function sentence({ title, detail, errors }: z.infer<typeof problemSchema>): string {
  const fields = errors.map((one) => `${one.pointer || '/'} ${one.detail}`);
  return [title, detail, ...fields].filter((part) => part !== undefined).join(': ');
}
