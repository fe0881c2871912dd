import { open } from 'node:fs/promises';
import {
  type EnrolRequest,
  type LeaseRequest,
  type LeaseResponse,
  leaseResponseSchema,
  type ReportRequest,
  updatesResponseSchema,
} from '#libs/contracts';
import { makeProof, proofHeader } from '#libs/trust';
import type { Offer } from '../domain/plan.js';
import { AgentError } from '../errors.js';
import { FeedService, type TaggedUpdates } from '../ports.js';
import { boundedBody, exchange, jsonBody, unreachable } from './http-exchange.js';
import type { MachineKey } from './machine-key.js';

const requestTimeoutMs = 30_000;
const downloadTimeoutMs = 10 * 60_000;
const maxLeaseBytes = 64 * 1024;
/** 10,000 offers with long signatures. */
const maxUpdatesBytes = 64 * 1024 * 1024;
/** Largest bundle that is fetched; libs/bundle opens none that is larger. */
const maxArtefactBytes = 64 * 1024 * 1024;

/** The feed over HTTP: every request carries a proof of the machine's key (see the contract). */
export class HttpFeed extends FeedService {
  constructor(
    private readonly url: string,
    private readonly key: MachineKey,
    private readonly now: () => Date,
  ) {
    super();
  }

  async enrol(request: EnrolRequest): Promise<LeaseResponse> {
    return jsonBody(await this.post('/v1/machines', request), leaseResponseSchema, maxLeaseBytes);
  }

  async renew(machineId: string, request: LeaseRequest): Promise<LeaseResponse> {
    return jsonBody(await this.post(`/v1/machines/${machineId}/lease`, request), leaseResponseSchema, maxLeaseBytes);
  }

  async updates(machineId: string, lease: string, etag: string | undefined): Promise<TaggedUpdates | undefined> {
    const condition: Record<string, string> = etag === undefined ? {} : { 'if-none-match': etag };
    const response = await this.get(`/v1/machines/${machineId}/updates`, lease, condition);
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
    if (length > maxArtefactBytes) throw new AgentError('malformed-answer', `${offer.bundleId} has ${length} bytes`);
    const part = await open(file, 'a+', 0o600);
    try {
      const have = (await part.stat()).size;
      if (have === length) return;
      const resume = have > 0 && have < length;
      const range: Record<string, string> = resume ? { range: `bytes=${have}-`, 'if-range': `"${sha256}"` } : {};
      const response = await this.get(path, lease, range);
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

  async report(machineId: string, report: ReportRequest): Promise<void> {
    const response = await this.post(`/v1/machines/${machineId}/reports`, report);
    await boundedBody(response, maxLeaseBytes);
  }

  private async post(path: string, json: object): Promise<Response> {
    const body = Buffer.from(JSON.stringify(json));
    const headers = { 'content-type': 'application/json', ...(await this.proof('POST', path, body)) };
    return exchange({ method: 'POST', url: this.url + path, headers, body, timeoutMs: requestTimeoutMs });
  }

  private async get(path: string, lease: string, more: Record<string, string>): Promise<Response> {
    // A path of the service's own choice must not lead to another host.
    if (!/^\/[A-Za-z0-9/_.-]*$/.test(path) || path.startsWith('//')) {
      throw new AgentError('malformed-answer', `${JSON.stringify(path)} is no path`);
    }
    const headers = { ...more, authorization: `Bearer ${lease}`, ...(await this.proof('GET', path, Buffer.alloc(0))) };
    const timeoutMs = path.endsWith('/artefact') ? downloadTimeoutMs : requestTimeoutMs;
    return exchange({ method: 'GET', url: this.url + path, headers, timeoutMs });
  }

  private async proof(method: string, path: string, body: Uint8Array): Promise<Record<string, string>> {
    const { privateKey, publicJwk } = this.key;
    // The service may be served below a path of its own host; it sees and checks the whole.
    const whole = new URL(this.url + path).pathname;
    return { [proofHeader]: await makeProof({ method, path: whole, body, at: this.now(), privateKey, publicJwk }) };
  }
}

async function appendBody(file: Awaited<ReturnType<typeof open>>, response: Response, maxBytes: number): Promise<void> {
  let length = 0;
  const chunks = response.body?.[Symbol.asyncIterator]();
  for (;;) {
    const next = await chunks?.next().catch((cause: unknown) => {
      throw unreachable(response.url, cause);
    });
    if (next === undefined || next.done === true) break;
    length += next.value.length;
    if (length > maxBytes) throw new AgentError('malformed-answer', 'the service sent more bytes than it announced');
    await file.write(next.value);
  }
  if (length < maxBytes) throw new AgentError('service-unavailable', 'the download broke off; it goes on from there');
}
