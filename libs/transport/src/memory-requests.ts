import { setTimeout as wait } from 'node:timers/promises';
import { answered, checkSubject, encodeBody, unwrapAnswer } from './answer.js';
import { RequestError, Requests, requestTimeoutMs, type Responder } from './requests.js';

type Answer = (body: unknown) => Promise<unknown>;

/** Requests within this process, for tests: what NATS does, JSON included. */
export class MemoryRequests extends Requests {
  private readonly responders = new Map<string, Answer[]>();

  async request(subject: string, body: unknown, timeoutMs = requestTimeoutMs): Promise<unknown> {
    checkSubject(subject);
    const asked: unknown = JSON.parse(Buffer.from(encodeBody(body)).toString());
    const [answer, ...others] = this.responders.get(subject) ?? [];
    if (answer === undefined) throw new RequestError('no-responder', `nobody answers ${subject}`);
    this.responders.set(subject, [...others, answer]);
    const timer = new AbortController();
    const late = wait(timeoutMs, 'late' as const, { signal: timer.signal, ref: false }).catch(() => 'late' as const);
    const reply = await Promise.race([answered(answer, asked), late]);
    timer.abort();
    if (reply === 'late') throw new RequestError('timeout', `no answer from ${subject} in ${timeoutMs} ms`);
    return unwrapAnswer(subject, JSON.parse(Buffer.from(encodeBody(reply)).toString()));
  }

  async respond(subject: string, _group: string, answer: Answer): Promise<Responder> {
    checkSubject(subject);
    this.responders.set(subject, [...(this.responders.get(subject) ?? []), answer]);
    return {
      stop: async () => {
        const left = (this.responders.get(subject) ?? []).filter((one) => one !== answer);
        this.responders.set(subject, left);
      },
    };
  }

  async close(): Promise<void> {
    this.responders.clear();
  }
}
