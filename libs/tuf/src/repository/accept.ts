// What comes out of a ceremony is not believed because an operator hands it in: it is checked as every client will check it.
import { refuseExpired } from '../client/checks.js';
import { verifyNextRoot, verifyRootBy } from '../client/root-chain.js';
import { TufError } from '../errors.js';
import { verifySignatures } from '../keys/threshold.js';
import { parseEnvelope } from '../metadata/envelope.js';
import type { Root, Targets } from '../metadata/roles.js';

/** A root as the one that follows `before`, or as the first. @throws TufError `threshold-not-met`, `rollback`, `freeze`. */
export function acceptRoot(before: Root | undefined, bytes: Uint8Array, nowMs: number): Root {
  const root = before === undefined ? firstRoot(bytes) : verifyNextRoot(before, bytes);
  refuseExpired('root', root, nowMs);
  if (!root.consistentSnapshot)
    throw new TufError('wrong-role', 'the root is of a repository without consistent snapshots');
  return root;
}

function firstRoot(bytes: Uint8Array): Root {
  const envelope = parseEnvelope('root', bytes);
  verifyRootBy(envelope.role, envelope);
  if (envelope.role.version === 1) return envelope.role;
  throw new TufError('rollback', `the first root has version 1, and this one ${envelope.role.version}`);
}

/** The top-level targets under a root. @throws TufError `threshold-not-met`, `rollback`, `freeze`. */
export function acceptTopTargets(root: Root, beforeVersion: number, bytes: Uint8Array, nowMs: number): Targets {
  const targets = verifyTopTargets(root, bytes);
  if (targets.version <= beforeVersion) {
    throw new TufError('rollback', `targets of version ${targets.version} can't follow version ${beforeVersion}`);
  }
  refuseExpired('targets', targets, nowMs);
  if (targets.targets.size > 0)
    throw new TufError('wrong-role', 'the top-level targets delegate, and vouch for nothing themselves');
  return targets;
}

export function verifyTopTargets(root: Root, bytes: Uint8Array): Targets {
  const envelope = parseEnvelope('targets', bytes);
  verifySignatures('targets', envelope, root.roles.targets, root.keys);
  return envelope.role;
}
