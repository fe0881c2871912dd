import { join } from 'node:path';
import { openBrokerKeys, publisherUser, serverTrustText, serviceUser, systemUser, type BrokerKeys } from '#libs/broker';
import { writeDurably } from '#libs/durable';
import { EmbeddedNats, EmbeddedNatsError, type NatsServers } from '#libs/eventstore';
import { HintControl } from '#libs/hints';
import { ConfigError, type ServiceConfig } from './config.js';
import { type HintAccess, PasswordHintAccess, TokenHintAccess } from './hint-access.js';

/** The NATS servers, and the ways in. */
export interface Broker {
  readonly service: NatsServers;
  readonly publisher: NatsServers;
  readonly access: HintAccess;
  readonly notices: readonly string[];
  stop(): Promise<void>;
}

/** The NATS servers that the configuration names, or one of our own as a child process. @throws ConfigError, EmbeddedNatsError, HintError */
export async function openBroker(config: ServiceConfig, onFailure: (error: Error) => void): Promise<Broker> {
  const { nats } = config;
  if (nats === undefined) return ownServer(config, onFailure);
  const { user, password, agentUser, agentPassword } = nats;
  const port = config.hints.port ?? Number(new URL(nats.url.split(',')[0] ?? '').port || 4222);
  const where = { host: config.hints.host, port };
  if (user === undefined && agentPassword === undefined) return serversOfOurKeys(config, nats.url, where);
  if (agentPassword === undefined) {
    throw new ConfigError('NATS_USER is set, so NATS_AGENT_PASSWORD must say how agents hear their hints');
  }
  const servers = { servers: nats.url, user, password };
  return {
    service: servers,
    publisher: servers,
    access: new PasswordHintAccess(where, { user: agentUser, password: agentPassword }),
    notices: [
      'all machines share one password of the NATS servers: a revoked one goes on hearing hints (docs/operations.md says how each has a token)',
    ],
    stop: async () => undefined,
  };
}

async function ownServer(config: ServiceConfig, onFailure: (error: Error) => void): Promise<Broker> {
  const { hints, dataDir, host } = config;
  const port = config.natsPort === 0 ? undefined : config.natsPort;
  const embedded = await EmbeddedNats.start({ dataDir, host, port, onFailure }).catch((error: unknown) => {
    if (!(error instanceof EmbeddedNatsError) || error.code !== 'port-in-use') throw error;
    throw new ConfigError(
      `port ${config.natsPort} is in use: set SPLICECAST_NATS_PORT to another one, or to 0 for any`,
    );
  });
  const { service, publisher, system, keys, warning } = embedded;
  const stop = (): Promise<void> => embedded.stop();
  const where = { host: hints.host, port: hints.port ?? embedded.port };
  return withControl(
    { service, publisher, notices: warning === undefined ? [] : [warning], stop },
    system,
    keys,
    where,
  );
}

/** Servers elsewhere, which were told to go by the keys in our data folder. */
async function serversOfOurKeys(config: ServiceConfig, servers: string, where: Where): Promise<Broker> {
  const folder = join(config.dataDir, 'nats');
  const keys = await openBrokerKeys(folder);
  const trustFile = join(folder, 'trust.conf');
  await writeDurably(trustFile, serverTrustText(keys, 'accounts'), 0o600);
  const at = (credentials: NatsServers['credentials']): NatsServers => ({ servers, credentials });
  const parts = {
    service: at(serviceUser(keys)),
    publisher: at(publisherUser(keys)),
    notices: [],
    stop: async () => undefined,
  };
  return withControl(parts, at(systemUser(keys)), keys, where).catch((cause: unknown) => {
    const advice = `make them include ${trustFile}, or set NATS_USER, NATS_PASSWORD and NATS_AGENT_PASSWORD`;
    throw new ConfigError(`the NATS servers at ${servers} can't be reached, or don't go by our keys: ${advice}`, {
      cause,
    });
  });
}

interface Where {
  readonly host?: string;
  readonly port: number;
}

async function withControl(
  parts: Omit<Broker, 'access'>,
  system: NatsServers,
  keys: BrokerKeys,
  where: Where,
): Promise<Broker> {
  try {
    const control = await HintControl.connect(system, keys);
    const stop = async (): Promise<void> => {
      await control.close();
      await parts.stop();
    };
    return { ...parts, access: new TokenHintAccess(where, keys, control), stop };
  } catch (error) {
    await parts.stop();
    throw error;
  }
}
