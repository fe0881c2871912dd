// The offline roles. They are signed in a ceremony, by people, with keys that the service never has. `ceremony.ts` has the same in
// steps, for holders who don't sit in one room.
import { TufError } from '../errors.js';
import type { PublicHalf, Signer } from '../keys/signer.js';
import { parseEnvelope } from '../metadata/envelope.js';
import type { JsonObject } from '../metadata/json.js';
import { delegationTo, checkChannel, keysOf, noticeRoles, policyOf } from './layout.js';
import type { Policy } from './policy.js';
import { signedPart, signStatement } from './sign.js';

/** Who may sign each role from now on. */
export interface KeyHolders {
  readonly root: readonly PublicHalf[];
  readonly targets: readonly PublicHalf[];
  readonly snapshot: readonly PublicHalf[];
  readonly timestamp: readonly PublicHalf[];
}

/** Who may sign the delegated roles: online keys. */
export interface DelegateHolders {
  readonly channel: readonly PublicHalf[];
  readonly recall: readonly PublicHalf[];
}

/** What a root says, to be signed. @throws TufError `threshold-not-met` for a role with fewer keys than must sign it. */
export function rootStatement(version: number, holders: KeyHolders, policy: Policy, nowMs: number): JsonObject {
  const role = (name: keyof KeyHolders): { keyids: string[]; threshold: number } => {
    const keyids = idsOf(holders[name]);
    const { threshold } = policy[name];
    if (keyids.length < threshold) throw tooFew(name, keyids.length, threshold);
    return { keyids, threshold };
  };
  const content = {
    consistent_snapshot: true,
    keys: keysOf([...holders.root, ...holders.targets, ...holders.snapshot, ...holders.timestamp]),
    roles: { root: role('root'), targets: role('targets'), snapshot: role('snapshot'), timestamp: role('timestamp') },
  };
  return signedPart({ type: 'root', version, expiresMs: nowMs + policy.root.lifetimeSec * 1000, content });
}

/** What the top-level targets say, to be signed: delegations and no targets. @throws TufError `invalid-name`, `threshold-not-met`. */
export function topTargetsStatement(
  version: number,
  channels: readonly string[],
  holders: DelegateHolders,
  policy: Policy,
  nowMs: number,
): JsonObject {
  for (const name of ['channel', 'recall'] as const) {
    const keys = idsOf(holders[name]).length;
    if (keys < policy[name].threshold) throw tooFew(name, keys, policy[name].threshold);
  }
  const roles = [
    ...noticeRoles.map((name) => delegationTo(name, holders.recall, policy.recall)),
    ...channels.map((name) => delegationTo(checkChannel(name), holders.channel, policyOf(name, policy))),
  ];
  const delegations = { keys: keysOf([...holders.recall, ...holders.channel]), roles };
  const expiresMs = nowMs + policy.targets.lifetimeSec * 1000;
  return signedPart({ type: 'targets', version, expiresMs, content: { targets: {}, delegations } });
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
  const signed = rootStatement(version, holders, policy, nowMs);
  // The keys of the root before sign too, but don't count here: `rotateRoot` counts those.
  requirePresent(idsOf(holders.root), signing, policy.root.threshold);
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

/**
 * The top-level targets. Made again, in a ceremony, for a new channel or other online keys.
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
  return signStatement(
    topTargetsStatement(version, channels, holders, policy, nowMs),
    signing,
    policy.targets.threshold,
  );
}

function idsOf(holders: readonly PublicHalf[]): string[] {
  return [...new Set(holders.map(({ keyId }) => keyId))];
}

function requirePresent(entitled: readonly string[], signing: readonly Signer[], threshold: number): void {
  const present = new Set(signing.map(({ keyId }) => keyId).filter((keyId) => entitled.includes(keyId)));
  if (present.size < threshold) throw tooFew('the root', present.size, threshold);
}

function tooFew(what: string, there: number, threshold: number): TufError {
  return new TufError('threshold-not-met', `${there} of the ${threshold} keys that must sign ${what} are here`);
}
