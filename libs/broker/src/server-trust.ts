import { accountTokens, operatorToken } from './accounts.js';
import type { BrokerKeys } from './keys.js';
import { nkeyOf } from './nkey.js';

/**
 * What a NATS server's configuration must say so that it lets in whom these keys vouch for, and nobody else.
 * @param accountsDir where the server keeps the accounts as they were last pushed to it.
 */
export function serverTrustText(keys: BrokerKeys, accountsDir: string): string {
  const preloaded = Object.entries(accountTokens(keys)).map(([nkey, token]) => `  ${nkey}: ${token}`);
  return `operator: ${operatorToken(keys)}
system_account: ${nkeyOf('account', keys.system)}
resolver {
  type: full
  dir: ${JSON.stringify(accountsDir)}
  allow_delete: false
  interval: "2m"
}
resolver_preload {
${preloaded.join('\n')}
}
`;
}
