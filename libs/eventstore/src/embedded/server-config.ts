import type { Credentials } from './credentials.js';

export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  readonly storeDir: string;
  readonly logFile: string;
  readonly credentials: Credentials;
  /** Each append is on the disk before it is acknowledged. */
  readonly syncAlways: boolean;
}

/** Inbox prefix of the agents' account. */
export const agentInboxPrefix = '_INBOX_agent';

/** A string of NATS's configuration language. */
const q = (text: string): string => JSON.stringify(text);

/**
 * The server's configuration file. The agents' password is known to every machine, so that account may listen to hints and
 * do nothing else.
 */
export function serverConfigText(config: ServerConfig): string {
  const { service, agent } = config.credentials;
  return `# Written at every start. It holds passwords: keep it its owner's only.
host: ${q(config.host)}
port: ${config.port}
server_name: "splicecast"
log_file: ${q(config.logFile)}
logfile_size_limit: 10MB
max_payload: 1MB
write_deadline: "10s"
jetstream {
  store_dir: ${q(config.storeDir)}
  max_memory_store: 256MB
${config.syncAlways ? '  sync_interval: always\n' : ''}}
authorization {
  users: [
    { user: ${q(service.user)}, password: ${q(service.password)} }
    {
      user: ${q(agent.user)}
      password: ${q(agent.password)}
      permissions {
        publish { deny: ">" }
        subscribe { allow: ["feed.>", "${agentInboxPrefix}.>"] }
      }
    }
  ]
}
`;
}
