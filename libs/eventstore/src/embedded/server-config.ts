import { type BrokerKeys, serverTrustText } from '#libs/broker';

export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  readonly storeDir: string;
  /** Where the server keeps the accounts as they were last pushed to it. */
  readonly accountsDir: string;
  readonly logFile: string;
  /** Whom they vouch for is let in. */
  readonly keys: BrokerKeys;
  /** Each append is on the disk before it is acknowledged. */
  readonly syncAlways: boolean;
}

/** A string of NATS's configuration language. */
const q = (text: string): string => JSON.stringify(text);

/** The server's configuration file. */
export function serverConfigText(config: ServerConfig): string {
  return `# Written at every start.
host: ${q(config.host)}
port: ${config.port}
server_name: "splicecast"
log_file: ${q(config.logFile)}
logfile_size_limit: 10MB
# The log's commits have less than 1 MB; the list of who is cut off, of which each has 100 bytes, may have more.
max_payload: 8MB
write_deadline: "10s"
# All machines come back within two seconds after a restart, and each is let in by signatures: who isn't looked at within the
# server's usual two seconds would be sent away, come again, and make it worse.
authorization { timeout: 15 }
jetstream {
  store_dir: ${q(config.storeDir)}
  max_memory_store: 256MB
${config.syncAlways ? '  sync_interval: always\n' : ''}}
${serverTrustText(config.keys, config.accountsDir)}`;
}
