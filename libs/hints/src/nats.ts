import { connect, JSONCodec, type NatsConnection } from 'nats';
import { type Hint, hintSchema } from '#libs/contracts';
import { HintError, HintPublisher } from './publisher.js';
import { connectionOptions, forEver, type HintServers } from './servers.js';
import { isHintSubject } from './subject.js';

/** Connects a publisher that reconnects for ever. @throws HintError `unavailable` */
export async function connectHintPublisher(at: HintServers): Promise<HintPublisher> {
  try {
    const connection = await connect({
      ...connectionOptions(at),
      name: 'hints',
      ...forEver,
      reconnectTimeWait: 200,
      reconnectJitter: 300,
    });
    return new NatsHintPublisher(connection);
  } catch (error) {
    throw new HintError('unavailable', `no NATS server at ${String(at.servers)}`, { cause: error });
  }
}

const hints = JSONCodec<Hint>();

class NatsHintPublisher extends HintPublisher {
  constructor(private readonly connection: NatsConnection) {
    super();
  }

  async publish(subject: string, hint: Hint): Promise<void> {
    if (!isHintSubject(subject)) throw new HintError('bad-hint', `${subject.slice(0, 200)} is no subject of hints`);
    const checked = hintSchema.safeParse(hint);
    if (!checked.success) throw new HintError('bad-hint', checked.error.message);
    try {
      this.connection.publish(subject, hints.encode(checked.data));
      await this.connection.flush();
    } catch (error) {
      throw new HintError('unavailable', 'the hint could not be sent', { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}
