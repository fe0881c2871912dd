import type { KeyObject } from 'node:crypto';
import { signClaims } from './claims.js';
import type { BrokerKeys } from './keys.js';
import { nkeyOf, nkeyOfPoint } from './nkey.js';

/** A user of the servers: its token, and the key that it must prove to hold. */
export interface UserCredentials {
  /** A function where it is renewed: asked at each connection. */
  readonly token: string | (() => string);
  readonly key: KeyObject;
}

interface Permissions {
  readonly pub?: { readonly allow?: readonly string[]; readonly deny?: readonly string[] };
  readonly sub?: { readonly allow?: readonly string[]; readonly deny?: readonly string[] };
  readonly subs: number;
  readonly payload: number;
}

const noLimit = -1;
const unlimited: Permissions = { subs: noLimit, payload: noLimit };

/** The log's and the stages' own user: everything in the `service` account. */
export function serviceUser(keys: BrokerKeys): UserCredentials {
  return ownUser(keys, 'service', 'serviceUser', unlimited);
}

/** Says hints, and hears nothing. */
export function publisherUser(keys: BrokerKeys): UserCredentials {
  return ownUser(keys, 'hints', 'publisherUser', {
    ...unlimited,
    pub: { allow: ['feed.>'] },
    sub: { deny: ['>'] },
  });
}

/** Tells the servers who is cut off, and asks them how many are connected. */
export function systemUser(keys: BrokerKeys): UserCredentials {
  return ownUser(keys, 'system', 'systemUser', unlimited);
}

function ownUser(
  keys: BrokerKeys,
  account: 'service' | 'hints' | 'system',
  user: 'serviceUser' | 'publisherUser' | 'systemUser',
  permissions: Permissions,
): UserCredentials {
  const key = keys[user];
  return { key, token: userToken(keys[account], user, nkeyOf('user', key), keys.madeAt, permissions) };
}

/** What a machine may hear, and until when. */
export interface Listener {
  readonly machineId: string;
  /** `x` of the machine's own public key (RFC 8037): the key that it proves at each request is the one it connects with. */
  readonly x: string;
  readonly subjects: readonly string[];
  readonly from: Date;
  readonly until: Date;
}

/** How a machine is called on the servers. */
export function listenerNkey(x: string): string {
  return nkeyOfPoint('user', x);
}

/** The token with which a machine listens: on its own subjects, and it may say nothing. */
export function listenerToken(keys: Pick<BrokerKeys, 'hints'>, listener: Listener): string {
  const { machineId, x, subjects, from, until } = listener;
  return userToken(
    keys.hints,
    machineId,
    listenerNkey(x),
    secondsOf(from),
    { pub: { deny: ['>'] }, sub: { allow: subjects }, subs: 2 * subjects.length, payload: 0 },
    secondsOf(until),
  );
}

function userToken(
  account: KeyObject,
  name: string,
  sub: string,
  iat: number,
  permissions: Permissions,
  exp?: number,
): string {
  const nats = { type: 'user' as const, data: noLimit, ...permissions };
  return signClaims({ name, sub, iat, ...(exp === undefined ? {} : { exp }), nats }, { kind: 'account', key: account });
}

const secondsOf = (at: Date): number => Math.floor(at.getTime() / 1000);
