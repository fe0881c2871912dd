import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { connect, type NatsConnection } from 'nats';
import { authenticatorFor, type BrokerKeys, listenerNkey, listenerToken, type UserCredentials } from '#libs/broker';
import type { HintServers } from '../src/index.js';

export interface Machine {
  readonly nkey: string;
  readonly key: KeyObject;
  readonly credentials: UserCredentials;
}

const anHourMs = 3_600_000;

/** A token for the machine of this key, as of an hour ago. */
export function tokenOf(
  keys: BrokerKeys,
  key: KeyObject,
  subjects: readonly string[],
  until = Date.now() + anHourMs,
): string {
  const from = new Date(Date.now() - anHourMs);
  return listenerToken(keys, { machineId: 'm1', x: xOf(key), subjects, from, until: new Date(until) });
}

/** A machine with a key of its own, and a token for these subjects. */
export function newMachine(keys: BrokerKeys, subjects: readonly string[], until?: number): Machine {
  const key = generateKeyPairSync('ed25519').privateKey;
  return { nkey: listenerNkey(xOf(key)), key, credentials: { token: tokenOf(keys, key, subjects, until), key } };
}

const xOf = (key: KeyObject): string => key.export({ format: 'jwk' }).x ?? '';

/** A connection that doesn't come back. */
export async function connectAs({ servers, credentials }: HintServers): Promise<NatsConnection> {
  if (credentials === undefined) throw new Error('as nobody');
  return connect({ servers: [servers].flat(), reconnect: false, authenticator: authenticatorFor(credentials) });
}
