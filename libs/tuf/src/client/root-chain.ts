import { TufError } from '../errors.js';
import { verifySignatures } from '../keys/threshold.js';
import { type Envelope, parseEnvelope } from '../metadata/envelope.js';
import { fileNameOf } from '../metadata/names.js';
import type { Root } from '../metadata/roles.js';
import { refuseExpired } from './checks.js';
import type { Session } from './session.js';

/**
 * 5.2: the root that was shipped with the program, or the last one that followed from it. It must stand by its own keys: a damaged
 * file is not a place for trust to begin.
 */
export async function loadTrustedRoot({ store }: Session): Promise<Root> {
  const bytes = await store.read('root');
  if (bytes === undefined) throw new TufError('malformed-metadata', 'there is no trusted root: initialise the client');
  const envelope = parseEnvelope('root', bytes);
  verifyRootBy(envelope.role, envelope);
  return envelope.role;
}

/** 5.3: from one root to the next, each vouched for by the one before, up to the newest. */
export async function updateRoot(session: Session, trusted: Root): Promise<Root> {
  const { store, metadata, limits, nowMs } = session;
  let root = trusted;
  for (let walked = 0; walked < limits.rootRotations; walked++) {
    // 5.3.3: none beyond this one is the normal end. Withheld roots end in a freeze, at the latest when this one expires.
    const bytes = await metadata.fetch(fileNameOf('root', root.version + 1), { maxBytes: limits.rootBytes });
    if (bytes === undefined) break;
    const next = verifyNextRoot(root, bytes);
    // 5.3.11, before 5.3.8 so that a crash between the two forgets too early and not never.
    if (hasRotated(root, next)) await forgetVersions(session);
    await store.write('root', bytes);
    root = next;
  }
  // 5.3.10: freeze. Only the newest root's date counts.
  refuseExpired('root', root, nowMs);
  return root;
}

/** 5.3.4 and 5.3.5. */
export function verifyNextRoot(root: Root, bytes: Uint8Array): Root {
  const envelope = parseEnvelope('root', bytes);
  // Arbitrary installation: the old keys hand over, the new ones show that they exist.
  verifyRootBy(root, envelope);
  verifyRootBy(envelope.role, envelope);
  // Rollback, and the skipping of a revocation: exactly the next version.
  if (envelope.role.version !== root.version + 1) {
    throw new TufError(
      'rollback',
      `root is of version ${envelope.role.version} where ${root.version + 1} should follow`,
    );
  }
  return envelope.role;
}

export function verifyRootBy(root: Root, envelope: Envelope<Root>): void {
  verifySignatures('root', envelope, root.roles.root, root.keys);
}

/** Whether a key of snapshot or timestamp was taken away. Adding one recovers from nothing. */
function hasRotated(before: Root, after: Root): boolean {
  return (['snapshot', 'timestamp'] as const).some((role) => {
    const kept = new Set(after.roles[role].keyIds);
    return before.roles[role].keyIds.some((keyId) => !kept.has(keyId));
  });
}

/** Fast-forward: versions that a thief of those keys pushed up no longer stand in the way of the right ones. */
async function forgetVersions({ store }: Session): Promise<void> {
  await store.remove('timestamp');
  await store.remove('snapshot');
}
