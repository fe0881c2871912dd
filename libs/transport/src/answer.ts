import { z } from 'zod';
import { maxRequestBytes, type Refusal, RequestError } from './requests.js';

/** What travels back: the answer, or the refusal. */
const answerSchema = z.union([
  z.object({ error: z.object({ code: z.string().max(128), message: z.string().max(8192) }) }),
  z.object({ result: z.unknown() }),
]);

/** Runs a responder and packs what it returns or throws. */
export async function answered(answer: (body: unknown) => Promise<unknown>, body: unknown): Promise<unknown> {
  try {
    return { result: (await answer(body)) ?? null };
  } catch (error) {
    return { error: refusalOf(error) };
  }
}

/** A typed error (one with a string `code`) is meant for the asker; of any other only that it happened. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof RequestError && error.refusal !== undefined) return error.refusal;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return { code: error.code.slice(0, 128), message: error.message.slice(0, 8192) };
  }
  return { code: 'internal', message: 'the responder failed' };
}

/** @throws RequestError `refused` with what the responder said. */
export function unwrapAnswer(subject: string, reply: unknown): unknown {
  const answer = answerSchema.safeParse(reply);
  if (!answer.success) throw new RequestError('refused', `${subject} answered with something that is no answer`);
  if ('error' in answer.data) {
    const refusal = answer.data.error;
    throw new RequestError('refused', `${subject}: ${refusal.message}`, refusal);
  }
  return answer.data.result;
}

/** A body as JSON bytes, within bounds. @throws RequestError `refused` */
export function encodeBody(body: unknown): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(body ?? null));
  if (bytes.byteLength <= maxRequestBytes) return bytes;
  const refusal = { code: 'too-large', message: `${bytes.byteLength} bytes are more than ${maxRequestBytes}` };
  throw new RequestError('refused', refusal.message, refusal);
}

/** @throws TypeError for what is no subject: it is written in the program, so that is a bug. */
export function checkSubject(subject: string): void {
  if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+){0,7}$/.test(subject)) throw new TypeError(`${subject} is no subject of requests`);
}
