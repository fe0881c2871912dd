import { TufError } from '../errors.js';
import { parseKey } from '../keys/key.js';
import type { Signer } from '../keys/signer.js';
import type { RoleKeys } from '../metadata/roles.js';
import { isNotice } from './layout.js';
import type { Policy } from './policy.js';
import type { Authority } from './published.js';

/** The keys that the service holds. Of each list those sign that the role above names: there may be more, for a change of keys. */
export interface OnlineSigners {
  readonly channel: readonly Signer[];
  readonly release: readonly Signer[];
  readonly recall: readonly Signer[];
  readonly snapshot: readonly Signer[];
  readonly timestamp: readonly Signer[];
}

/** Which of the service's keys sign what. */
export class OnlineKeys {
  constructor(
    readonly signers: OnlineSigners,
    private readonly policy: Policy,
  ) {}

  /** Those of our keys that may sign a delegated role as the role above names them. @throws TufError `wrong-keys` as `signing`. */
  delegated(role: string, keys: RoleKeys): readonly Signer[] {
    const { recall, release, channel } = this.signers;
    if (isNotice(role)) return this.#named(recall, role, keys);
    return this.#named(role.includes('/') ? release : channel, role, keys);
  }

  /** The same for a role that the root names. @throws TufError `wrong-keys` if they can't reach its threshold. */
  signing(role: 'snapshot' | 'timestamp', keys: RoleKeys): readonly Signer[] {
    return this.#named(this.signers[role], role, keys);
  }

  /** What our own release keys have signed, where nobody can be asked who delegates to them. */
  ownRelease(): Authority {
    const keys = new Map(this.signers.release.map(({ keyId, publicKey }) => [keyId, parseKey(publicKey)]));
    return { keys, role: { keyIds: [...keys.keys()], threshold: this.policy.release.threshold } };
  }

  #named(held: readonly Signer[], role: string, { keyIds, threshold }: RoleKeys): readonly Signer[] {
    const named = held.filter(({ keyId }) => keyIds.includes(keyId));
    if (named.length >= threshold) return named;
    throw new TufError(
      'wrong-keys',
      `${role} must be signed by ${threshold} of ${keyIds.length} keys, and the service holds ${named.length} of those`,
    );
  }
}
