import { TufError } from '../errors.js';
import { verifySignatures } from '../keys/threshold.js';
import { type Envelope, parseEnvelope } from '../metadata/envelope.js';
import type { Hashes, Root, Snapshot, Timestamp } from '../metadata/roles.js';
import { matches, refuseExpired, refuseOlder, refuseOtherFile, refuseOtherVersion } from './checks.js';
import { fetchAnnounced, readTrusted, type Session } from './session.js';

/** 5.5: which version of each role belongs to that state. */
export async function updateSnapshot(
  session: Session,
  root: Root,
  { snapshot: announced }: Timestamp,
): Promise<Snapshot> {
  const { store, limits, nowMs } = session;
  const verify = (bytes: Uint8Array): Envelope<Snapshot> => verifySnapshot(root, bytes);
  const known = await readTrusted(session, 'snapshot', verify);
  if (known !== undefined && known.role.version === announced.version && isAnnounced(known.bytes, announced.hashes)) {
    refuseExpired('snapshot', known.role, nowMs);
    return known.role;
  }
  const bytes = await fetchAnnounced(session, 'snapshot', announced, root, limits.snapshotBytes); // 5.5.1
  refuseOtherFile('snapshot', bytes, announced); // 5.5.2: mix-and-match
  const found = verify(bytes).role; // 5.5.3
  refuseOtherVersion('snapshot', found.version, announced.version); // 5.5.4: mix-and-match
  // 5.5.5: also where the known one is expired or of another digest than announced: it was trusted once, so it remembers.
  if (known !== undefined) refuseOlderRoles(known.role, found);
  refuseExpired('snapshot', found, nowMs); // 5.5.6: freeze
  await store.write('snapshot', bytes); // 5.5.7
  return found;
}

/** 5.5.3: arbitrary installation. */
function verifySnapshot(root: Root, bytes: Uint8Array): Envelope<Snapshot> {
  const envelope = parseEnvelope('snapshot', bytes);
  verifySignatures('snapshot', envelope, root.roles.snapshot, root.keys);
  return envelope;
}

function isAnnounced(bytes: Uint8Array, hashes: Hashes | undefined): boolean {
  return hashes === undefined || matches(bytes, hashes);
}

/** Rollback of any role, and its quiet removal, which would be the same. */
function refuseOlderRoles(known: Snapshot, found: Snapshot): void {
  for (const [name, { version }] of known.meta) {
    const next = found.meta.get(name);
    if (next === undefined) throw new TufError('rollback', `${name} was in the snapshot before and no longer is`);
    refuseOlder(name, next.version, version);
  }
}
