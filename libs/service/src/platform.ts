import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BlobStore, FolderBlobStore } from '#libs/blobs';
import { connectEventStore, EmbeddedNats, EmbeddedNatsError, EventStore, type NatsServers } from '#libs/eventstore';
import { connectHintPublisher, HintPublisher } from '#libs/hints';
import { connectRequests, Requests } from '#libs/transport';
import { GitTreeStore, TreeStore } from '#libs/trees';
import { AdminToken } from './admin.js';
import { Clock, SystemClock } from './clock.js';
import { ConfigError, type ServiceConfig } from './config.js';
import { HintAccess } from './hint-access.js';

/** All that a stage stands on, open and ready. */
export interface Platform {
  readonly config: ServiceConfig;
  readonly events: EventStore;
  readonly blobs: BlobStore;
  readonly trees: TreeStore;
  readonly requests: Requests;
  readonly hints: HintPublisher;
  readonly hintAccess: HintAccess;
  readonly clock: Clock;
  readonly adminToken: AdminToken;
  /** The admin token where it was made just now: the only time that anybody sees it. */
  readonly freshAdminToken?: string;
  /** What an operator should know at start. */
  readonly notices: readonly string[];
  stop(): Promise<void>;
}

interface Broker {
  readonly servers: NatsServers;
  readonly access: HintAccess;
  readonly notices: readonly string[];
  stop(): Promise<void>;
}

/** The NATS server that the configuration names, or one of our own as a child process. */
async function openBroker(config: ServiceConfig, onFailure: (error: Error) => void): Promise<Broker> {
  const { nats, hints } = config;
  if (nats !== undefined) {
    if (nats.agentPassword === undefined) {
      throw new ConfigError('NATS_URL is set, so NATS_AGENT_PASSWORD must say how agents hear their hints');
    }
    const port = hints.port ?? Number(new URL(nats.url.split(',')[0] ?? '').port || 4222);
    return {
      servers: { servers: nats.url, user: nats.user, password: nats.password },
      access: { host: hints.host, port, user: nats.agentUser, password: nats.agentPassword },
      notices: [],
      stop: async () => undefined,
    };
  }
  const port = config.natsPort === 0 ? undefined : config.natsPort;
  const embedded = await EmbeddedNats.start({ dataDir: config.dataDir, host: config.host, port, onFailure }).catch(
    (error: unknown) => {
      if (!(error instanceof EmbeddedNatsError) || error.code !== 'port-in-use') throw error;
      throw new ConfigError(
        `port ${config.natsPort} is in use: set SPLICECAST_NATS_PORT to another one, or to 0 for any`,
      );
    },
  );
  return {
    servers: { servers: embedded.url, user: embedded.user, password: embedded.password },
    access: {
      host: hints.host,
      port: hints.port ?? embedded.port,
      user: embedded.agentUser,
      password: embedded.agentPassword,
    },
    notices: embedded.warning === undefined ? [] : [embedded.warning],
    stop: () => embedded.stop(),
  };
}

/**
 * Opens everything that the stages stand on. `onFailure` hears of what breaks for good later on.
 * @throws ConfigError, EmbeddedNatsError, EventStoreError, HintError: what could not be opened, after closing what was.
 */
export async function openPlatform(config: ServiceConfig, onFailure: (error: Error) => void): Promise<Platform> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o750 });
  const closers: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const broker = await openBroker(config, onFailure);
    closers.push(() => broker.stop());
    const events = await connectEventStore(broker.servers);
    closers.push(() => events.close());
    const requests = await connectRequests(broker.servers);
    closers.push(() => requests.close());
    const hints = await connectHintPublisher({
      ...broker.servers,
      user: broker.servers.user ?? '',
      password: broker.servers.password ?? '',
    });
    closers.push(() => hints.close());
    const blobs = new FolderBlobStore(join(config.dataDir, 'blobs'));
    const trees = new GitTreeStore(join(config.dataDir, 'trees.git'));
    const { token, fresh } = await AdminToken.open(config.dataDir, config.adminToken);
    return {
      config,
      events,
      blobs,
      trees,
      requests,
      hints,
      hintAccess: broker.access,
      clock: new SystemClock(),
      adminToken: token,
      freshAdminToken: fresh,
      notices: broker.notices,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
