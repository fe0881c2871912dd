import { TufError } from '../errors.js';
import type { Envelope } from '../metadata/envelope.js';
import type { Role, RoleKeys } from '../metadata/roles.js';
import { isSignedBy, type PublicKey } from './key.js';

/**
 * **Arbitrary installation.** A threshold of the role's keys must have signed, each counted once, by what it is and not by what it
 * is called. Signatures of others, or broken ones, neither help nor harm.
 * @throws TufError `threshold-not-met`.
 */
export function verifySignatures(
  name: string,
  { payload, signatures }: Envelope<Role>,
  { keyIds, threshold }: RoleKeys,
  keys: ReadonlyMap<string, PublicKey>,
): void {
  const allowed = new Set(keyIds);
  const signers = new Set<string>();
  for (const { keyId, sig } of signatures) {
    const key = allowed.has(keyId) ? keys.get(keyId) : undefined;
    if (key === undefined || signers.has(key.identity)) continue;
    if (isSignedBy(key, payload, sig)) signers.add(key.identity);
    if (signers.size >= threshold) return;
  }
  throw new TufError(
    'threshold-not-met',
    `${name} is signed by ${signers.size} of the ${threshold} keys that it needs`,
  );
}
