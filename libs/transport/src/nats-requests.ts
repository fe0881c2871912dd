import { ErrorCode, JSONCodec, NatsError, type NatsConnection } from 'nats';
import { type NatsServers, openConnection } from '#libs/eventstore';
import { answered, checkSubject, encodeBody, refusalOf, unwrapAnswer } from './answer.js';
import { RequestError, Requests, requestTimeoutMs, type Responder } from './requests.js';

/** Connects requests over core NATS. @throws EventStoreError `unavailable` */
export async function connectRequests(at: NatsServers): Promise<Requests> {
  return new NatsRequests(await openConnection(at));
}

const json = JSONCodec<unknown>();

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
      callback: (error, message) => {
        if (error !== null) return;
        void answerTo(message.data, answer).then((bytes) => message.respond(bytes));
      },
    });
    // The server knows of the subscription once it has answered a ping.
    await this.connection.flush();
    return {
      async stop() {
        await subscription.drain();
      },
    };
  }

  async close(): Promise<void> {
    await this.connection.drain();
  }
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
  if (error.code === ErrorCode.NoResponders) {
    return new RequestError('no-responder', `nobody answers ${subject}`, undefined, { cause: error });
  }
  return new RequestError('timeout', `no answer from ${subject}: ${error.message}`, undefined, { cause: error });
}
