import { machineIdOf, makeProof, thumbprintOf } from '#libs/trust';
import { type FeedUnderTest, running } from './feed.fixture.js';
import { newKey } from './sign.fixture.js';

interface Sending {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** Another proof than the right one; `none`: no proof at all. */
  readonly proof?: string;
  readonly lease?: string;
}

/** A machine with its key, as the agent speaks. */
export class TestMachine {
  readonly key = newKey();
  readonly id = machineIdOf(this.key.jwk);
  readonly keyThumbprint = thumbprintOf(this.key.jwk);
  lease: string | undefined;

  constructor(private readonly under: FeedUnderTest) {}

  prove(method: string, path: string, body = Buffer.alloc(0)): Promise<string> {
    const { privateKey, jwk: publicJwk } = this.key;
    return makeProof({ method, path, body, at: this.under.clock.now(), privateKey, publicJwk });
  }

  async send(method: string, path: string, sending: Sending = {}): Promise<Response> {
    const body = sending.body === undefined ? undefined : Buffer.from(JSON.stringify(sending.body));
    const proof = sending.proof ?? (await this.prove(method, path, body));
    const lease = sending.lease ?? this.lease;
    return fetch(this.under.url + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(proof === 'none' ? {} : { 'splicecast-proof': proof }),
        ...(lease === undefined ? {} : { authorization: `Bearer ${lease}` }),
        ...sending.headers,
      },
      ...(body === undefined ? {} : { body }),
    });
  }

  /** Enrols, and keeps the lease if there is one. */
  async enrol(license: string, changed: object = {}): Promise<Response> {
    const body = { license, hostname: 'web-1', kernel: running, ...changed };
    return this.keep(await this.send('POST', '/v1/machines', { body }));
  }

  async renew(license: string, kernel: object = running): Promise<Response> {
    return this.keep(await this.send('POST', `/v1/machines/${this.id}/lease`, { body: { license, kernel } }));
  }

  async updates(headers: Record<string, string> = {}, query = ''): Promise<Response> {
    return this.send('GET', `/v1/machines/${this.id}/updates${query}`, { headers });
  }

  /** What it is offered: `<bundleId>`, `<bundleId> recalled`. */
  async offered(query = ''): Promise<string[]> {
    const body = (await (await this.updates({}, query)).json()) as {
      bundles: { bundleId: string; recalled?: object }[];
    };
    return body.bundles.map((one) => one.bundleId + (one.recalled === undefined ? '' : ' recalled'));
  }

  async artefact(bundleId: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
    return this.send(method, `/v1/bundles/${bundleId}/artefact`, { headers });
  }

  async report(reportId: string, ...facts: object[]): Promise<Response> {
    const response = await this.send('POST', `/v1/machines/${this.id}/reports`, { body: { reportId, facts } });
    await this.under.settled();
    return response;
  }

  private async keep(response: Response): Promise<Response> {
    if (response.ok) this.lease = ((await response.clone().json()) as { lease: string }).lease;
    return response;
  }
}
