import { setTimeout as sleep } from 'node:timers/promises';
import { hintSchema } from '#libs/contracts';
import { AgentError } from '../errors.js';
import type { StreamedHint } from '../ports.js';
import { BodyReader, unreachable } from './http-exchange.js';

/** A proxy that keeps events to itself shows at once: the first one is sent with the answer. */
const firstEventMs = 10_000;
/** The service says something every 20 s. */
const silenceMs = 65_000;
const maxEventBytes = 8 * 1024;

/**
 * Reads server-sent events (WHATWG HTML § 9.2.6, what of it the service uses). What is no event of ours is passed over.
 * @throws AgentError `service-unavailable` where it breaks or falls silent, `malformed-answer`. Returns when the service ends it.
 */
export async function* readHintStream(response: Response): AsyncIterable<StreamedHint> {
  if (!(response.headers.get('content-type') ?? '').startsWith('text/event-stream')) {
    await response.body?.cancel();
    throw new AgentError('malformed-answer', 'the service’s answer is no stream of events');
  }
  const body = new BodyReader(response);
  const decoder = new TextDecoder();
  let text = '';
  let patienceMs = firstEventMs;
  try {
    for (;;) {
      const chunk = await within(patienceMs, body.next(), response.url);
      if (chunk === undefined) return;
      patienceMs = silenceMs;
      text += decoder.decode(chunk, { stream: true });
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      if (text.length > maxEventBytes) throw new AgentError('malformed-answer', 'an event without an end');
      for (const part of parts) {
        const event = eventOf(part);
        if (event !== undefined) yield event;
      }
    }
  } finally {
    await body.cancel();
  }
}

function eventOf(text: string): StreamedHint | undefined {
  const fields = new Map(
    text.split('\n').map((line) => [/^[a-z]*/.exec(line)?.[0] ?? '', line.replace(/^[a-z]*: ?/, '')]),
  );
  const position = Number(fields.get('id') ?? NaN);
  if (!Number.isSafeInteger(position) || position < 0) return undefined;
  if (fields.get('event') === 'open') return { position };
  const hint = hintSchema.safeParse(parsed(fields.get('data') ?? ''));
  return fields.get('event') === 'hint' && hint.success ? { position, hint: hint.data } : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function within<T>(ms: number, work: Promise<T>, url: string): Promise<T> {
  const timer = new AbortController();
  const late = sleep(ms, undefined, { signal: timer.signal }).then(() => {
    throw unreachable(url, new Error('the stream of events fell silent'));
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work.catch((cause: unknown) => Promise.reject(unreachable(url, cause))), late]);
  } finally {
    timer.abort();
  }
}
