// The offline roles. They are signed in a ceremony, by people, with keys that the service never has.
import { TufError } from '../errors.js';
import type { Signer } from '../keys/signer.js';
import { parseEnvelope } from '../metadata/envelope.js';
import { delegationTo, checkChannel, keysOf, noticeRoles, policyOf } from './layout.js';
import type { Policy } from './policy.js';
import { signedPart, signStatement } from './sign.js';

/** Who may sign each role from now on. Only public keys of these are used, but for those that sign right now. */
export interface KeyHolders {
  readonly root: readonly Signer[];
  readonly targets: readonly Signer[];
  readonly snapshot: readonly Signer[];
  readonly timestamp: readonly Signer[];
}

/**
 * A root of the given version.
 * @param signing those present: a threshold of the new root's keys, and of the one before it where there is one.
 * @throws TufError `threshold-not-met`.
 */
export async function makeRoot(
  version: number,
  holders: KeyHolders,
  signing: readonly Signer[],
  policy: Policy,
  nowMs: number,
): Promise<Buffer> {
  const role = (name: keyof KeyHolders): { keyids: string[]; threshold: number } => ({
    keyids: holders[name].map(({ keyId }) => keyId),
    threshold: policy[name].threshold,
  });
  const content = {
    consistent_snapshot: true,
    keys: keysOf([...holders.root, ...holders.targets, ...holders.snapshot, ...holders.timestamp]),
    roles: { root: role('root'), targets: role('targets'), snapshot: role('snapshot'), timestamp: role('timestamp') },
  };
  const expiresMs = nowMs + policy.root.lifetimeSec * 1000;
  const signed = signedPart({ type: 'root', version, expiresMs, content });
  // The keys of the root before sign too, but don't count here: `rotateRoot` counts those.
  requirePresent(
    holders.root.map(({ keyId }) => keyId),
    signing,
    policy.root.threshold,
  );
  return signStatement(signed, signing, policy.root.threshold);
}

/**
 * The root that follows: other keys for any role, without a new agent. Both the old keys and the new must sign (5.3.4).
 * @throws TufError `threshold-not-met`.
 */
export async function rotateRoot(
  before: Uint8Array,
  holders: KeyHolders,
  signing: readonly Signer[],
  policy: Policy,
  nowMs: number,
): Promise<Buffer> {
  const { role } = parseEnvelope('root', before);
  requirePresent(role.roles.root.keyIds, signing, role.roles.root.threshold);
  return makeRoot(role.version + 1, holders, signing, policy, nowMs);
}

/** Who may sign the delegated roles: online keys. */
export interface DelegateHolders {
  readonly channel: readonly Signer[];
  readonly recall: readonly Signer[];
}

/**
 * The top-level targets: delegations and no targets. Made again, in a ceremony, for a new channel or other online keys.
 * @throws TufError `threshold-not-met`, `invalid-name`.
 */
export async function makeTopTargets(
  before: Uint8Array | undefined,
  channels: readonly string[],
  holders: DelegateHolders,
  signing: readonly Signer[],
  policy: Policy,
  nowMs: number,
): Promise<Buffer> {
  const version = before === undefined ? 1 : parseEnvelope('targets', before).role.version + 1;
  const roles = [
    ...noticeRoles.map((name) => delegationTo(name, holders.recall, policy.recall)),
    ...channels.map((name) => delegationTo(checkChannel(name), holders.channel, policyOf(name, policy))),
  ];
  const delegations = { keys: keysOf([...holders.recall, ...holders.channel]), roles };
  const expiresMs = nowMs + policy.targets.lifetimeSec * 1000;
  const signed = signedPart({ type: 'targets', version, expiresMs, content: { targets: {}, delegations } });
  return signStatement(signed, signing, policy.targets.threshold);
}

function requirePresent(entitled: readonly string[], signing: readonly Signer[], threshold: number): void {
  const present = new Set(signing.map(({ keyId }) => keyId).filter((keyId) => entitled.includes(keyId)));
  if (present.size >= threshold) return;
  throw new TufError('threshold-not-met', `${present.size} of the ${threshold} keys that must sign the root are here`);
}
