import type { Command } from 'commander';
import { ServiceClient } from '#libs/client';

/** The running service that the commands speak to: `--url` or SPLICECAST_URL, and the token in SPLICECAST_ADMIN_TOKEN. */
export function connect(command: Command): ServiceClient {
  const { url } = command.optsWithGlobals<{ url?: string }>();
  const token = process.env['SPLICECAST_ADMIN_TOKEN'];
  if (token === undefined || token === '') {
    return command.error('set SPLICECAST_ADMIN_TOKEN to the token that the service showed when it first started');
  }
  const address = url ?? process.env['SPLICECAST_URL'] ?? 'http://127.0.0.1:8420';
  if (!/^https?:\/\//.test(address) || !URL.canParse(address)) {
    return command.error(
      `${address} is no address of a service: give one like http://127.0.0.1:8420 (--url, SPLICECAST_URL)`,
    );
  }
  return new ServiceClient(address.replace(/\/$/, ''), token);
}
