import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { EmbeddedNats, type NatsServers, openConnection } from '#libs/eventstore';
import { Victim } from './victim.js';

/** Where the NATS server is, and as whom the stages come. */
export interface BrokerAccess {
  readonly service: NatsServers;
  readonly version: string;
  readonly syncsAlways: boolean;
}

/**
 * A nats-server of its own process, with the very configuration that the service's embedded one has: that one is started once to
 * write it, and stopped. It is not used itself, for it would bring its server back on its own.
 */
export async function prepareBroker(dataDir: string): Promise<{ url: string; access: BrokerAccess; victim: Victim }> {
  const embedded = await EmbeddedNats.start({ dataDir });
  const { url, service, version, fsyncEveryAppend: syncsAlways } = embedded;
  await embedded.stop();
  const victim = new Victim({
    name: 'nats-server',
    command: serverProgram(),
    args: ['-c', join(dataDir, 'nats', 'nats-server.conf')],
    env: {},
    logFile: join(dataDir, 'nats-server.out'),
    isReady: () => answers(service),
  });
  return { url, access: { service, version, syncsAlways }, victim };
}

async function answers(service: NatsServers): Promise<boolean> {
  try {
    const connection = await openConnection(service);
    try {
      await (await connection.jetstreamManager({ timeout: 1_000 })).getAccountInfo();
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}

/** As the embedded one is found. */
function serverProgram(): string {
  const named = process.env['NATS_SERVER_BIN'];
  if (named !== undefined && named !== '') return named;
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'nats-server'));
  return onPath.find((path) => existsSync(path)) ?? '/usr/sbin/nats-server';
}
