import { TufError } from '../errors.js';
import type { PublicKey } from '../keys/key.js';
import { verifySignatures } from '../keys/threshold.js';
import { type Envelope, parseEnvelope } from '../metadata/envelope.js';
import type { RoleKeys, Root, Snapshot, TargetFile, Targets } from '../metadata/roles.js';
import { refuseExpired, refuseOtherFile, refuseOtherVersion } from './checks.js';
import { mayVouchFor } from './scope.js';
import { fetchAnnounced, readTrusted, type Session, type Trusted } from './session.js';

/** Who delegates, and so whose keys count. */
interface Delegator {
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly role: RoleKeys;
}

/** 5.6.1 to 5.6.6: the roles that vouch for targets, beginning with the top. */
export async function updateTargets(session: Session, root: Root, snapshot: Snapshot): Promise<Targets> {
  return loadTargets(session, root, snapshot, 'targets', { keys: root.keys, role: root.roles.targets });
}

/**
 * 5.6.7: depth first, each delegation in the order of its delegator, to the first role that vouches for the target.
 * @throws TufError `unknown-target`, `search-too-wide`, or what is wrong with a role on the way: nothing is looked for past it.
 */
export async function findTarget(
  session: Session,
  { root, snapshot, targets }: Trusted,
  path: string,
): Promise<TargetFile> {
  const visited = new Set<string>(['targets']);
  const waiting: { name: string; delegator: Delegator }[] = [];
  let current = targets;
  for (;;) {
    const file = current.targets.get(path);
    if (file !== undefined) return file;
    waiting.push(...delegationsFor(current, path, waiting).reverse());
    const next = nextUnvisited(waiting, visited);
    if (next === undefined) throw new TufError('unknown-target', `no role vouches for ${path}`);
    if (visited.size > session.limits.delegatedRoles) {
      throw new TufError(
        'search-too-wide',
        `${path} was not found in ${session.limits.delegatedRoles} delegated roles`,
      );
    }
    visited.add(next.name);
    // Verified by whoever delegates here and now, even if another path led to the same file before.
    current = await loadTargets(session, root, snapshot, next.name, next.delegator);
  }
}

/** The delegations that may vouch for the path, in order. A terminating one ends the search outside itself (5.6.7.2.1). */
function delegationsFor(
  { delegations }: Targets,
  path: string,
  waiting: { name: string; delegator: Delegator }[],
): { name: string; delegator: Delegator }[] {
  const found: { name: string; delegator: Delegator }[] = [];
  for (const role of delegations?.roles ?? []) {
    if (delegations === undefined || !mayVouchFor(role.scope, path)) continue;
    found.push({ name: role.name, delegator: { keys: delegations.keys, role } });
    if (role.terminating) {
      waiting.length = 0;
      break;
    }
  }
  return found;
}

function nextUnvisited<T extends { name: string }>(waiting: T[], visited: ReadonlySet<string>): T | undefined {
  for (;;) {
    const next = waiting.pop();
    if (next === undefined || !visited.has(next.name)) return next;
  }
}

/** One targets role, from the store if it is the announced one, else from the mirror. */
async function loadTargets(
  session: Session,
  root: Root,
  snapshot: Snapshot,
  name: string,
  delegator: Delegator,
): Promise<Targets> {
  const { store, limits, nowMs } = session;
  const announced = snapshot.meta.get(`${name}.json`);
  if (announced === undefined) throw new TufError('mix-and-match', `the snapshot knows no ${name}.json`);
  const verify = (bytes: Uint8Array): Envelope<Targets> => {
    refuseOtherFile(name, bytes, announced); // 5.6.2: mix-and-match
    const envelope = parseEnvelope('targets', bytes);
    verifySignatures(name, envelope, delegator.role, delegator.keys); // 5.6.3: arbitrary installation
    refuseOtherVersion(name, envelope.role.version, announced.version); // 5.6.4: mix-and-match, and rollback with 5.5.5
    refuseExpired(name, envelope.role, nowMs); // 5.6.5: freeze
    return envelope;
  };
  const known = await readTrusted(session, name, verify);
  if (known !== undefined) return known.role;
  const bytes = await fetchAnnounced(session, name, announced, root, limits.targetsBytes); // 5.6.1
  const { role } = verify(bytes);
  await store.write(name, bytes); // 5.6.6
  return role;
}
