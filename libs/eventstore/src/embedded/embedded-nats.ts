import { EmbeddedNatsError } from './errors.js';

export interface EmbeddedNatsOptions {
  /** The service's data folder; the server keeps its files in `<dataDir>/nats`. */
  readonly dataDir: string;
  /** Port to listen on; a free one when absent. */
  readonly port?: number;
  /** Address to listen on; 127.0.0.1 when absent. */
  readonly host?: string;
  /** Path of the nats-server program; else NATS_SERVER_BIN, PATH, /usr/sbin/nats-server. */
  readonly binary?: string;
  /** Called once if the server dies so often that it is given up. */
  readonly onFailure?: (error: EmbeddedNatsError) => void;
}

/** A nats-server that lives and dies with this process. */
export class EmbeddedNats {
  private constructor(
    /** `nats://host:port`. */
    readonly url: string,
    readonly port: number,
    /** The services' account: may do everything. */
    readonly user: string,
    readonly password: string,
    /** The machines' account: may listen to `feed.>` and say nothing. Its inbox prefix is `_INBOX_agent`. */
    readonly agentUser: string,
    readonly agentPassword: string,
    /** Version of the server program. */
    readonly version: string,
    /** Each append is on the disk before it is acknowledged. */
    readonly fsyncEveryAppend: boolean,
    /** What the operator must know at start, if anything. */
    readonly warning: string | undefined,
  ) {}

  /** Starts the server and resolves when it can be connected to. @throws EmbeddedNatsError */
  static async start(_options: EmbeddedNatsOptions): Promise<EmbeddedNats> {
    throw new EmbeddedNatsError('server-failed', 'being written');
  }

  /** Process id of the server; undefined while it is down. */
  get pid(): number | undefined {
    return undefined;
  }

  /** Stops the server and resolves when it is gone. */
  async stop(): Promise<void> {}
}
