import type { Msg, MsgHdrs, NatsConnection } from 'nats';

/** A message as a consumer delivers it, and the answers that JetStream understands (ADR-15 of nats-architecture-and-design). */
export class Delivery {
  private constructor(
    private readonly connection: NatsConnection,
    private readonly message: Msg,
    private readonly reply: string,
    /** Sequence in the stream. */
    readonly seq: number,
    /** Number of this delivery among all of the consumer's, from 1, without gaps. */
    readonly deliverySeq: number,
    /** How often this message has been delivered, this time included. */
    readonly deliveries: number,
  ) {}

  get subject(): string {
    return this.message.subject;
  }

  /** The client decodes them when they are first looked at. */
  get headers(): MsgHdrs | undefined {
    return this.message.headers;
  }

  get data(): Uint8Array {
    return this.message.data;
  }

  /** @returns undefined for a message that no consumer sent: a status. */
  static of(connection: NatsConnection, message: Msg): Delivery | undefined {
    const { reply = '' } = message;
    // $JS.ACK.<stream>.<consumer>.<deliveries>.<seq>.<delivery seq>.<time>.<pending>, or, with a domain and an account's
    // hash before the stream, two tokens more and a random one at the end.
    const tokens = reply.split('.');
    if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return undefined;
    const first = tokens.length === 9 ? 4 : 6;
    const [deliveries = 0, seq = 0, deliverySeq = 0] = tokens.slice(first, first + 3).map(Number);
    return new Delivery(connection, message, reply, seq, deliverySeq, deliveries);
  }

  ack(): void {
    this.answer('+ACK');
  }

  /** Not done: deliver it again after a while. */
  nak(delayMs: number): void {
    this.answer(`-NAK ${JSON.stringify({ delay: delayMs * 1_000_000 })}`);
  }

  /** Still at it: the time for an answer begins anew. */
  working(): void {
    this.answer('+WPI');
  }

  /** Without a connection the answer is lost, and the message comes again. */
  private answer(text: string): void {
    if (!this.connection.isClosed()) this.connection.publish(this.reply, text);
  }
}
