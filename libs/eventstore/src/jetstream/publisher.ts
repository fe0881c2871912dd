import { createInbox, ErrorCode, headers, type Msg, type MsgHdrs, NatsError, type Subscription } from 'nats';
import type { Wire } from './wire.js';

/** What JetStream says of a message that it has stored. */
export interface StoredAs {
  readonly seq: number;
  /** The message id had been seen lately: nothing was stored again. */
  readonly duplicate: boolean;
}

/** Under what conditions a message may be stored. */
export interface Guards {
  /** `Nats-Msg-Id`: printable ASCII. */
  readonly messageId: string;
  /** The stream must be this one. */
  readonly stream: string;
  /** The subject's last message must have this sequence; 0: there must be none. */
  readonly lastSubjectSequence: number;
}

interface Waiting {
  readonly deadline: number;
  readonly resolve: (stored: StoredAs) => void;
  readonly reject: (error: NatsError) => void;
}

interface Outgoing {
  readonly token: string;
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly headers: MsgHdrs;
}

/** How long one answer of the server may take; several fit into the patience. */
const answerMs = 2_000;
const sweepMs = 250;

/**
 * Publishes to JetStream and hands on its acknowledgements, many at once. The client's own `publish` has a timer, an error
 * object and a race of two promises for each message, and each goes to the socket as it comes; here all that is published in
 * one turn of the event loop leaves in one write, and one timer looks after all that wait.
 */
export class Publisher {
  private readonly waiting = new Map<string, Waiting>();
  private outgoing: Outgoing[] = [];
  private readonly inbox = createInbox();
  private subscription: Subscription | undefined;
  private sweeper: NodeJS.Timeout | undefined;
  private count = 0;

  constructor(private readonly wire: Wire) {
    wire.onCut(() => this.rejectAll(() => new NatsError('the connection is down', ErrorCode.Disconnect)));
  }

  /**
   * Publishes one message. Whether one that isn't acknowledged was stored is unknown.
   * @throws NatsError, with `api_error` if it is JetStream's own refusal
   */
  publish(subject: string, bytes: Uint8Array, guards: Guards): Promise<StoredAs> {
    this.subscription ??= this.wire.connection.subscribe(`${this.inbox}.*`, {
      callback: (_error, message) => this.receive(message),
    });
    const token = (this.count += 1).toString(36);
    const answered = new Promise<StoredAs>((resolve, reject) => {
      this.waiting.set(token, { deadline: Date.now() + answerMs, resolve, reject });
    });
    this.sweeper ??= setInterval(() => this.sweep(), sweepMs).unref();
    // After everything that is to be done now: what others publish meanwhile goes out in the same write.
    if (this.outgoing.length === 0) process.nextTick(() => this.send());
    this.outgoing.push({ token, subject, bytes, headers: headersOf(guards) });
    return answered;
  }

  private send(): void {
    const outgoing = this.outgoing;
    this.outgoing = [];
    for (const one of outgoing) {
      // A connection that was cut meanwhile has rejected it already.
      if (!this.waiting.has(one.token)) continue;
      try {
        const reply = `${this.inbox}.${one.token}`;
        this.wire.connection.publish(one.subject, one.bytes, { reply, headers: one.headers });
      } catch (error) {
        this.take(one.token)?.reject(
          error instanceof NatsError ? error : new NatsError(String(error), ErrorCode.Unknown),
        );
      }
    }
  }

  private receive(message: Msg): void {
    const waiting = this.take(message.subject.slice(this.inbox.length + 1));
    if (waiting === undefined) return;
    const answer = answerOf(message);
    if (answer instanceof NatsError) waiting.reject(answer);
    else waiting.resolve(answer);
  }

  private take(token: string): Waiting | undefined {
    const waiting = this.waiting.get(token);
    this.waiting.delete(token);
    return waiting;
  }

  /** They were published in the order of their deadlines, so the first that isn't late ends it. */
  private sweep(): void {
    const now = Date.now();
    for (const [token, { deadline, reject }] of this.waiting) {
      if (deadline > now) return;
      this.waiting.delete(token);
      reject(new NatsError('no acknowledgement came', ErrorCode.Timeout));
    }
    if (this.waiting.size > 0) return;
    clearInterval(this.sweeper);
    this.sweeper = undefined;
  }

  private rejectAll(error: () => NatsError): void {
    const all = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject } of all) reject(error());
  }
}

function headersOf(guards: Guards): MsgHdrs {
  const made = headers();
  made.set('Nats-Msg-Id', guards.messageId);
  made.set('Nats-Expected-Stream', guards.stream);
  made.set('Nats-Expected-Last-Subject-Sequence', String(guards.lastSubjectSequence));
  return made;
}

/** The answer to a publication (nats-architecture-and-design, ADR-22): `{stream, seq, duplicate?}` or `{error}`. */
function answerOf(message: Msg): StoredAs | NatsError {
  if (message.data.length === 0 && message.headers?.code === 503) {
    return new NatsError('nobody keeps the log', ErrorCode.NoResponders);
  }
  const { seq, duplicate, error } = parsed(message);
  if (error !== undefined) {
    const refusal = new NatsError(error.description, ErrorCode.ApiError);
    refusal.api_error = error;
    return refusal;
  }
  return typeof seq === 'number' && seq > 0
    ? { seq, duplicate: duplicate === true }
    : new NatsError('an acknowledgement that is none', ErrorCode.JetStreamInvalidAck);
}

interface Answer {
  readonly seq?: unknown;
  readonly duplicate?: unknown;
  readonly error?: NonNullable<NatsError['api_error']>;
}

function parsed(message: Msg): Answer {
  try {
    return message.json<Answer | null>() ?? {};
  } catch {
    return {};
  }
}
