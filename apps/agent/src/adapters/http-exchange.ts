import { z } from 'zod';
import { AgentError, licenseRefused } from '../errors.js';
import { Deadline } from './deadline.js';

/** An HTTP request and what of its answer is acceptable. */
export interface Exchange {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly timeoutMs: number;
  /** Ends it early. */
  readonly signal?: AbortSignal;
}

const problemSchema = z.object({
  code: z.string().max(64).optional(),
  title: z.string().max(1024).optional(),
  detail: z.string().max(4096).optional(),
});
const maxProblemBytes = 64 * 1024;

/**
 * Sends a request. @returns the answer if its status is 2xx, 304 or 416.
 * @throws AgentError `service-unavailable` for what may pass (no connection, time-out, 5xx, 408, 429), `license-refused` for a refused lease, `service-refused` for the rest.
 */
export async function exchange({ method, url, headers, body, timeoutMs, signal }: Exchange): Promise<Response> {
  const deadline = new Deadline(timeoutMs, signal);
  const asking = fetch(url, {
    method,
    headers: { 'user-agent': 'splicecast-agent', ...headers },
    ...(body === undefined ? {} : { body }),
    // A redirect would carry the lease to somebody else.
    redirect: 'error',
    signal: deadline.signal,
  });
  const response = await deadline.race(asking).catch((cause: unknown) => {
    deadline.close();
    throw unreachable(url, cause);
  });
  if (response.body === null) deadline.close();
  else deadlines.set(response, deadline);
  if (response.ok || response.status === 304 || response.status === 416) return response;
  throw await refusalOf(response);
}

/** Until when the body of an answer has to be there. */
const deadlines = new WeakMap<Response, Deadline>();

/** An answer's body, piece by piece, within the time that its exchange has. */
export class BodyReader {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  private readonly deadline: Deadline | undefined;

  constructor(response: Response) {
    this.reader = response.body?.getReader();
    this.deadline = deadlines.get(response);
  }

  /** @returns undefined at the end. @throws as `fetch`; DOMException `TimeoutError` past the exchange's time. */
  async next(): Promise<Uint8Array | undefined> {
    const reading = this.reader?.read();
    const next = await (reading && (this.deadline?.race(reading) ?? reading));
    return next?.value;
  }

  /** Ends the exchange: the connection is closed if there was more to come. */
  async cancel(): Promise<void> {
    this.deadline?.close();
    await this.reader?.cancel().catch(() => undefined);
  }
}

/** The pieces of an answer's body as they come. @throws as `BodyReader.next`. */
export async function* chunksOf(response: Response): AsyncGenerator<Uint8Array, void> {
  const body = new BodyReader(response);
  try {
    for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) yield chunk;
  } finally {
    await body.cancel();
  }
}

/** A connection that failed, or broke. */
export function unreachable(url: string, cause: unknown): AgentError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const why = inner instanceof Error ? inner.message : String(inner);
  const advice = 'nothing is wrong with this machine; it is tried again';
  return new AgentError('service-unavailable', `${new URL(url).origin} can't be reached: ${why}`, advice, { cause });
}

async function refusalOf(response: Response): Promise<AgentError> {
  const { status, url } = response;
  const text = (await boundedBody(response, maxProblemBytes)).toString('utf8');
  const problem = problemSchema.safeParse(parseJson(text));
  const { code = `http-${status}`, title, detail } = problem.success ? problem.data : {};
  const said = detail ?? title ?? `HTTP ${status}`;
  if (status >= 500 || status === 408 || status === 429) {
    const advice = 'nothing is wrong with this machine; it is tried again';
    return new AgentError('service-unavailable', `the service has trouble (${status} ${code}): ${said}`, advice);
  }
  if (licenseCodes.has(code)) {
    return licenseRefused(code, said);
  }
  return new AgentError('service-refused', `${new URL(url).pathname}: ${status} ${code}: ${said}`, clockAdvice(code));
}

const licenseCodes: ReadonlySet<string> = new Set([
  'lease-refused',
  'lease-missing',
  'lease-expired',
  'not-enrolled',
  'not-entitled',
]);

function clockAdvice(code: string): string | undefined {
  return code === 'proof-stale-proof' ? 'set this machine’s clock' : undefined;
}

/** The body's bytes. @throws AgentError `malformed-answer` past `maxBytes`, `service-unavailable` where it breaks off. */
export async function boundedBody(response: Response, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of chunksOf(response)) {
      length += chunk.length;
      if (length > maxBytes) throw new AgentError('malformed-answer', `the service sent more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (cause) {
    throw cause instanceof AgentError ? cause : unreachable(response.url, cause);
  }
  return Buffer.concat(chunks);
}

/** The body as JSON of this shape. @throws AgentError as `boundedBody`, and `malformed-answer`. */
export async function jsonBody<T>(response: Response, schema: z.ZodType<T>, maxBytes: number): Promise<T> {
  const parsed = schema.safeParse(parseJson((await boundedBody(response, maxBytes)).toString('utf8')));
  if (parsed.success) return parsed.data;
  throw new AgentError('malformed-answer', `the service's answer makes no sense: ${z.prettifyError(parsed.error)}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
