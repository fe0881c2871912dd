import { ErrorCode, JSONCodec, type Msg, NatsError, type NatsConnection } from 'nats';
import { type NatsServers, openConnection } from '#libs/eventstore';
import { answered, checkSubject, encodeBody, refusalOf, unwrapAnswer } from './answer.js';
import { RequestError, Requests, requestTimeoutMs, type Responder } from './requests.js';

/** Connects requests over core NATS. @throws EventStoreError `unavailable` */
export async function connectRequests(at: NatsServers): Promise<Requests> {
  return new NatsRequests(await openConnection(at));
}

const json = JSONCodec();

/** Requests on the subjects `rq.<subject>` of core NATS; responders of a group are a queue group. */
class NatsRequests extends Requests {
  constructor(private readonly connection: NatsConnection) {
    super();
  }

  async request(subject: string, body: unknown, timeoutMs = requestTimeoutMs): Promise<unknown> {
    checkSubject(subject);
    const payload = encodeBody(body);
    try {
      const reply = await this.connection.request(`rq.${subject}`, payload, { timeout: timeoutMs });
      return unwrapAnswer(subject, json.decode(reply.data));
    } catch (error) {
      throw requestErrorOf(subject, error);
    }
  }

  async respond(subject: string, group: string, answer: (body: unknown) => Promise<unknown>): Promise<Responder> {
    checkSubject(subject);
    const subscription = this.connection.subscribe(`rq.${subject}`, {
      queue: group,
    });
    const answering = answerAll(subscription, answer);
    // The server knows of the subscription once it has answered a ping.
    await this.connection.flush();
    return {
      async stop() {
        await subscription.drain();
        await answering;
      },
    };
  }

  async close(): Promise<void> {
    await this.connection.drain();
  }
}

/** Each request is answered on its own: a slow one holds up no other. Ends when all that came are answered. */
async function answerAll(questions: AsyncIterable<Msg>, answer: (body: unknown) => Promise<unknown>): Promise<void> {
  const open = new Set<Promise<void>>();
  for await (const question of questions) {
    const one = answerTo(question.data, answer).then((bytes) => void question.respond(bytes));
    open.add(one);
    void one.finally(() => open.delete(one));
  }
  await Promise.all(open);
}

async function answerTo(data: Uint8Array, answer: (body: unknown) => Promise<unknown>): Promise<Uint8Array> {
  let body: unknown;
  try {
    body = json.decode(data);
  } catch {
    return encodeBody({ error: { code: 'malformed-request', message: 'the request is not JSON' } });
  }
  const reply = await answered(answer, body);
  try {
    return encodeBody(reply);
  } catch (error) {
    return encodeBody({ error: refusalOf(error) });
  }
}

function requestErrorOf(subject: string, error: unknown): unknown {
  if (!(error instanceof NatsError)) return error;
  const noResponders: string = ErrorCode.NoResponders;
  if (error.code === noResponders) {
    return new RequestError('no-responder', `nobody answers ${subject}`, undefined, { cause: error });
  }
  return new RequestError('timeout', `no answer from ${subject}: ${error.message}`, undefined, { cause: error });
}
