// What a role's metadata says of those below it.
import type { PublicHalf } from '../keys/signer.js';
import type { Targets } from '../metadata/roles.js';
import type { Authority, PublishedRole } from './published.js';

/** A role that vouches for nothing yet, and delegates to nobody. */
export const emptyRole: PublishedRole = { version: 0, expiresMs: 0, targets: {}, delegations: undefined };

/** The kernel releases that a channel delegates to. */
export function releasesIn({ delegations }: PublishedRole): string[] {
  return delegations?.roles.map(({ name }) => name) ?? [];
}

/** Whose signatures count for a role, by who delegates to it. */
export function authorityIn(delegator: Pick<Targets, 'delegations'> | undefined, name: string): Authority | undefined {
  const delegations = delegator?.delegations;
  const role = delegations?.roles.find((one) => one.name === name);
  return delegations === undefined || role === undefined ? undefined : { keys: delegations.keys, role };
}

export function sameAuthority(a: Authority, b: Authority | undefined): boolean {
  return b !== undefined && a.role.threshold === b.role.threshold && sortedIds(a) === sortedIds(b);
}

/** Whether a channel delegates to these keys and no others. */
export function delegatesTo({ delegations }: PublishedRole, signers: readonly PublicHalf[]): boolean {
  const keyIds = [...(delegations?.keys.keys() ?? [])];
  return keyIds.length === signers.length && signers.every(({ keyId }) => keyIds.includes(keyId));
}

function sortedIds({ role }: Authority): string {
  return [...role.keyIds].sort().join(' ');
}
