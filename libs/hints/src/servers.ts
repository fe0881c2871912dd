import type { ConnectionOptions } from 'nats';
import { authenticatorFor, type UserCredentials } from '#libs/broker';

/** Where the NATS servers are, and as whom to come: by a token, or by name and password where the servers know no tokens. */
export interface HintServers {
  /** `nats://host:port`, one or more, comma separated where it is one string. */
  readonly servers: string | readonly string[];
  readonly user?: string;
  readonly password?: string;
  readonly credentials?: UserCredentials;
}

/**
 * For those that come back for ever: the client would give up a server that refuses it twice in a row, which one that starts with the
 * wrong keys, and is mended, does as well.
 */
export const forEver: ConnectionOptions = { maxReconnectAttempts: -1, ignoreAuthErrorAbort: true };

export function connectionOptions({ servers, user, password, credentials }: HintServers): ConnectionOptions {
  return {
    servers: typeof servers === 'string' ? servers.split(',').map((one) => one.trim()) : [...servers],
    ...(user === undefined ? {} : { user, pass: password ?? '' }),
    ...(credentials === undefined ? {} : { authenticator: authenticatorFor(credentials) }),
  };
}
