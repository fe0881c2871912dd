import { connect, type ConnectionOptions, type NatsConnection } from 'nats';
import { authenticatorFor, type UserCredentials } from '#libs/broker';
import { EventStoreError } from '../port.js';

/** Where the NATS servers are, and as whom to come. */
export interface NatsServers {
  /** `nats://host:port`, one or more, comma separated where it is one string. */
  readonly servers: string | readonly string[];
  readonly user?: string;
  readonly password?: string;
  /** Instead of a name and a password, where the servers go by tokens. */
  readonly credentials?: UserCredentials;
  /** How this client is called in the server's lists. */
  readonly name?: string;
}

const connectTimeoutMs = 5_000;

/**
 * Opens a connection that reconnects for ever once it stands, so that a server may restart under it.
 * @throws EventStoreError `unavailable` if it can't be opened now.
 */
export async function openConnection(at: NatsServers): Promise<NatsConnection> {
  const options: ConnectionOptions = {
    servers: typeof at.servers === 'string' ? at.servers.split(',').map((s) => s.trim()) : [...at.servers],
    maxReconnectAttempts: -1,
    // Or the client gives up a server that refuses it twice in a row, as one does that was started with the wrong keys for a while.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 100,
    reconnectJitter: 200,
    timeout: connectTimeoutMs,
    pingInterval: 20_000,
    // A stack trace for each request, in case it fails, costs a fifth of the time of an append.
    noAsyncTraces: true,
    ...(at.user === undefined ? {} : { user: at.user, pass: at.password ?? '' }),
    ...(at.credentials === undefined ? {} : { authenticator: authenticatorFor(at.credentials) }),
    ...(at.name === undefined ? {} : { name: at.name }),
  };
  try {
    return await connect(options);
  } catch (error) {
    throw new EventStoreError('unavailable', `no NATS server at ${String(options.servers)}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
