import { open } from 'node:fs/promises';
import {
  type EnrolRequest,
  type HintsResponse,
  hintsResponseSchema,
  type LeaseRequest,
  type LeaseResponse,
  leaseResponseSchema,
  type ReportRequest,
  type UpdatePreference,
  updatesResponseSchema,
} from '#libs/contracts';
import { makeProof, proofHeader } from '#libs/trust';
import type { HttpLimits } from '#libs/tuf';
import type { Offer } from '../domain/plan.js';
import { AgentError } from '../errors.js';
import { type AskedHints, FeedService, type StreamedHint, type TaggedUpdates } from '../ports.js';
import { readHintStream } from './hint-stream.js';
import { boundedBody, chunksOf, exchange, jsonBody, unreachable } from './http-exchange.js';
import type { MachineKey } from './machine-key.js';

/** A long poll is answered before. */
const requestTimeoutMs = 30_000;
const maxLeaseBytes = 64 * 1024;
/** A stream is opened anew now and then, as by the service's own word at the end of a lease. */
const maxStreamMs = 24 * 60 * 60 * 1000;
/** 10,000 offers with long signatures. */
const maxUpdatesBytes = 64 * 1024 * 1024;
/** Largest bundle that is fetched; libs/bundle opens none that is larger. */
const maxArtefactBytes = 64 * 1024 * 1024;

/** What a request has besides. */
interface Rest {
  readonly query?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** The feed over HTTP: every request carries a proof of the machine's key (see the contract). */
export class HttpFeed extends FeedService {
  constructor(
    private readonly url: string,
    private readonly key: MachineKey,
    private readonly now: () => Date,
    private readonly limits: HttpLimits,
  ) {
    super();
  }

  async enrol(request: EnrolRequest): Promise<LeaseResponse> {
    return jsonBody(await this.post('/v1/machines', request), leaseResponseSchema, maxLeaseBytes);
  }

  async renew(machineId: string, request: LeaseRequest): Promise<LeaseResponse> {
    return jsonBody(await this.post(`/v1/machines/${machineId}/lease`, request), leaseResponseSchema, maxLeaseBytes);
  }

  async updates(
    machineId: string,
    etag: string | undefined,
    prefers: UpdatePreference = 'levels',
  ): Promise<TaggedUpdates | undefined> {
    const condition: Record<string, string> = etag === undefined ? {} : { 'if-none-match': etag };
    const query = prefers === 'levels' ? '' : `?prefer=${prefers}`;
    const response = await this.get(`/v1/machines/${machineId}/updates`, undefined, condition, { query });
    if (response.status === 304) {
      await response.body?.cancel();
      return undefined;
    }
    const updates = await jsonBody(response, updatesResponseSchema, maxUpdatesBytes);
    if (updates.machineId !== machineId) throw new AgentError('malformed-answer', 'the updates are another machine’s');
    return { etag: response.headers.get('etag') ?? undefined, updates };
  }

  async download(offer: Offer, lease: string, file: string): Promise<void> {
    const { path, length, sha256 } = offer.artefact;
    if (length > maxArtefactBytes) throw new AgentError('endless-data', `${offer.bundleId} has ${length} bytes`);
    const part = await open(file, 'a+', 0o600);
    try {
      const have = (await part.stat()).size;
      if (have === length) return;
      const resume = have > 0 && have < length;
      const range: Record<string, string> = resume ? { range: `bytes=${have}-`, 'if-range': `"${sha256}"` } : {};
      const { baseMs, minBytesPerSec } = this.limits;
      const timeoutMs = Math.ceil(baseMs + (length * 1000) / minBytesPerSec);
      const response = await this.get(path, lease, range, { timeoutMs }).catch(withheld);
      // 200 although a range was asked for, or something strange lies there: from the beginning.
      const start = resume && response.status === 206 ? have : 0;
      if (start === 0) await part.truncate(0);
      if (response.status === 416) throw new AgentError('service-unavailable', 'the service has other bytes now');
      await appendBody(part, response, length - start);
      await part.sync();
    } finally {
      await part.close();
    }
  }

  async hints(machineId: string, asked: AskedHints, signal: AbortSignal): Promise<HintsResponse> {
    const { since, waitSec } = asked;
    const query = `?wait=${waitSec}${since === undefined ? '' : `&since=${since}`}`;
    const response = await this.get(`/v1/machines/${machineId}/hints`, undefined, {}, { query, signal });
    return jsonBody(response, hintsResponseSchema, maxLeaseBytes);
  }

  async *hintStream(machineId: string, since: number | undefined, signal: AbortSignal): AsyncIterable<StreamedHint> {
    const path = `/v1/machines/${machineId}/hints`;
    const rest = { query: since === undefined ? '' : `?since=${since}`, signal, timeoutMs: maxStreamMs };
    const response = await this.get(path, undefined, { accept: 'text/event-stream' }, rest);
    yield* readHintStream(response);
  }

  async report(machineId: string, report: ReportRequest): Promise<void> {
    const response = await this.post(`/v1/machines/${machineId}/reports`, report);
    await boundedBody(response, maxLeaseBytes);
  }

  private async post(path: string, json: object): Promise<Response> {
    const body = Buffer.from(JSON.stringify(json));
    const headers = { 'content-type': 'application/json', ...(await this.proof('POST', path, body)) };
    return exchange({ method: 'POST', url: this.url + path, headers, body, timeoutMs: requestTimeoutMs });
  }

  private async get(
    path: string,
    lease: string | undefined,
    more: Record<string, string>,
    rest: Rest = {},
  ): Promise<Response> {
    const { query = '', timeoutMs = requestTimeoutMs, signal } = rest;
    // A path of the service's own choice must not lead to another host.
    if (!/^\/[A-Za-z0-9/_.-]*$/.test(path) || path.startsWith('//')) {
      throw new AgentError('malformed-answer', `${JSON.stringify(path)} is no path`);
    }
    const headers = {
      ...more,
      ...(lease === undefined ? {} : { authorization: `Bearer ${lease}` }),
      ...(await this.proof('GET', path + query, Buffer.alloc(0))),
    };
    return exchange({ method: 'GET', url: this.url + path + query, headers, timeoutMs, signal });
  }

  private async proof(method: string, path: string, body: Uint8Array): Promise<Record<string, string>> {
    const { privateKey, publicJwk } = this.key;
    // The service may be served below a path of its own host; it sees and checks the whole.
    const { pathname, search } = new URL(this.url + path);
    const whole = pathname + search;
    return { [proofHeader]: await makeProof({ method, path: whole, body, at: this.now(), privateKey, publicJwk }) };
  }
}

async function appendBody(file: Awaited<ReturnType<typeof open>>, response: Response, maxBytes: number): Promise<void> {
  let length = 0;
  try {
    for await (const chunk of chunksOf(response)) {
      length += chunk.length;
      if (length > maxBytes) throw new AgentError('endless-data', 'the service sent more bytes than the bundle has');
      await file.write(chunk);
    }
  } catch (cause) {
    if (isTimeout(cause)) {
      throw new AgentError('slow-retrieval', 'the bundle took too long; it goes on from there', undefined, { cause });
    }
    // A full disk says nothing of the service.
    throw cause instanceof AgentError || isOfFiles(cause) ? cause : unreachable(response.url, cause);
  }
  if (length < maxBytes) throw new AgentError('service-unavailable', 'the download broke off; it goes on from there');
}

/** What a deadline ends a body with. */
function isTimeout(cause: unknown): boolean {
  return (cause as { readonly name?: unknown } | undefined)?.name === 'TimeoutError';
}

function isOfFiles(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && 'syscall' in cause && cause.syscall === 'write';
}

/** The service doesn't give what it offers. */
function withheld(error: unknown): never {
  if (!(error instanceof AgentError) || error.code !== 'service-refused') throw error;
  throw new AgentError('withheld', error.message, error.advice, { cause: error });
}
