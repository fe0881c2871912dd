import { access, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type BrokerKeys, nkeyOf } from '#libs/broker';

/**
 * The log of a server that knew no accounts yet lies in the folder of its one global account; the services' account takes it over. Done before
 * the server starts, by one rename: the whole log is in one place or in the other.
 */
export async function adoptPlainAccount(storeDir: string, keys: BrokerKeys): Promise<void> {
  const [from, to] = ['$G', nkeyOf('account', keys.service)].map((name) => join(storeDir, 'jetstream', name));
  if (from === undefined || to === undefined || !(await isThere(from)) || (await isThere(to))) return;
  await rename(from, to);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
