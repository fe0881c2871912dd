import { connect, type NatsConnection } from 'nats';
import { type BrokerKeys, hintsAccountToken, nkeyOf, type Revocations } from '#libs/broker';
import { z } from 'zod';
import { HintError } from './publisher.js';
import { connectionOptions, forEver, type HintServers } from './servers.js';

/** A server answers within milliseconds; what was asked of one that died is asked again by the caller. */
const requestMs = 1_500;
/** What a server answers to a new account token. */
const updateSchema = z.object({ data: z.object({ code: z.literal(200) }) });
const connectionsSchema = z.object({ conns: z.number().int().nonnegative() });
/** nats-server 2.9 answers with the bare thing, later ones with `data`. */
const connectionsAnswerSchema = z.union([connectionsSchema, z.object({ data: connectionsSchema })]);

/** Governs who listens: as the `system` account's user. */
export class HintControl {
  private lastIat = 0;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly keys: BrokerKeys,
  ) {}

  /** @throws HintError `unavailable` */
  static async connect(at: HintServers, keys: BrokerKeys): Promise<HintControl> {
    try {
      const options = {
        ...connectionOptions(at),
        ...forEver,
        name: 'hint control',
        reconnectTimeWait: 200,
      };
      return new HintControl(await connect(options), keys);
    } catch (error) {
      throw new HintError('unavailable', `no NATS server at ${String(at.servers)}`, { cause: error });
    }
  }

  /**
   * Cuts the connections of these users, and lets in none of their tokens that were issued until then; it is the whole list, each time. The
   * servers keep it over their own restarts.
   * @throws HintError `unavailable` if no server has confirmed it.
   */
  async cutOff(revocations: Revocations): Promise<void> {
    // A server takes a token only in the place of an earlier one.
    this.lastIat = Math.max(Math.floor(Date.now() / 1000), this.lastIat + 1);
    const token = hintsAccountToken(this.keys, revocations, this.lastIat);
    const answer = updateSchema.safeParse(await this.ask('$SYS.REQ.CLAIMS.UPDATE', token));
    if (!answer.success) throw new HintError('unavailable', 'the NATS server did not take the list of who is cut off');
  }

  /** How many connections the machines' account has, this service's publishers of hints among them. @throws HintError `unavailable` */
  async connected(): Promise<number> {
    const account = nkeyOf('account', this.keys.hints);
    const answer = connectionsAnswerSchema.safeParse(await this.ask(`$SYS.REQ.ACCOUNT.${account}.CONNS`, ''));
    if (!answer.success) throw new HintError('unavailable', 'the NATS server does not say how many are connected');
    return 'data' in answer.data ? answer.data.data.conns : answer.data.conns;
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  private async ask(subject: string, body: string): Promise<unknown> {
    try {
      return (await this.connection.request(subject, body, { timeout: requestMs })).json();
    } catch (cause) {
      throw new HintError('unavailable', 'the NATS server does not answer', { cause });
    }
  }
}
