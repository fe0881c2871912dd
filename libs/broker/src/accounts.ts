import { signClaims } from './claims.js';
import type { BrokerKeys } from './keys.js';
import { nkeyOf } from './nkey.js';

/** Users whose tokens count no more, by nkey: those that were issued until then, in seconds. */
export type Revocations = Readonly<Record<string, number>>;

const noLimit = -1;
/** A limit that an account's token doesn't name is 0, so each is named. */
const limits = {
  subs: noLimit,
  data: noLimit,
  payload: noLimit,
  imports: noLimit,
  exports: noLimit,
  wildcards: true,
  conn: noLimit,
  leaf: noLimit,
};
const noJetStream = { mem_storage: 0, disk_storage: 0, streams: 0, consumer: 0 };
const allJetStream = { mem_storage: noLimit, disk_storage: noLimit, streams: noLimit, consumer: noLimit };

/** The operator's token: what a server trusts to say which accounts there are. */
export function operatorToken(keys: BrokerKeys): string {
  const sub = nkeyOf('operator', keys.operator);
  return signClaims(
    {
      name: 'splicecast',
      sub,
      iat: keys.madeAt,
      nats: { type: 'operator', system_account: nkeyOf('account', keys.system) },
    },
    { kind: 'operator', key: keys.operator },
  );
}

/**
 * The accounts that a server begins with, by their names: always the same tokens, so that a later one which was pushed to the server
 * (`hintsAccountToken`) is the newer one after a restart too.
 */
export function accountTokens(keys: BrokerKeys): Readonly<Record<string, string>> {
  return {
    [nkeyOf('account', keys.system)]: accountToken(keys, 'system', keys.madeAt, noJetStream),
    [nkeyOf('account', keys.service)]: accountToken(keys, 'service', keys.madeAt, allJetStream),
    [nkeyOf('account', keys.hints)]: hintsAccountToken(keys, {}, keys.madeAt),
  };
}

/** The machines' account, without the users that are cut off. Servers take it in the place of one with an earlier `iat` (seconds). */
export function hintsAccountToken(keys: BrokerKeys, revocations: Revocations, iat: number): string {
  return accountToken(keys, 'hints', iat, noJetStream, Object.keys(revocations).length === 0 ? {} : { revocations });
}

function accountToken(
  keys: BrokerKeys,
  name: 'system' | 'service' | 'hints',
  iat: number,
  jetStream: typeof noJetStream,
  more: { readonly revocations?: Revocations } = {},
): string {
  return signClaims(
    {
      name,
      sub: nkeyOf('account', keys[name]),
      iat,
      nats: { type: 'account', limits: { ...limits, ...jetStream }, ...more },
    },
    { kind: 'operator', key: keys.operator },
  );
}
