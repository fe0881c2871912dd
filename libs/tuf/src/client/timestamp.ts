import { TufError } from '../errors.js';
import { verifySignatures } from '../keys/threshold.js';
import { type Envelope, parseEnvelope } from '../metadata/envelope.js';
import type { Root, Timestamp } from '../metadata/roles.js';
import { refuseExpired, refuseOlder } from './checks.js';
import { readTrusted, type Session } from './session.js';

/** 5.4: what the newest state is, as of a short time ago. */
export async function updateTimestamp(session: Session, root: Root): Promise<Timestamp> {
  const { store, metadata, limits, nowMs } = session;
  const verify = (bytes: Uint8Array): Envelope<Timestamp> => verifyTimestamp(root, bytes);
  const known = (await readTrusted(session, 'timestamp', verify))?.role;
  const bytes = await metadata.fetch('timestamp.json', { maxBytes: limits.timestampBytes }); // 5.4.1
  if (bytes === undefined) throw new TufError('withheld', 'the mirror has no timestamp.json');
  const found = verify(bytes).role;
  if (known !== undefined) {
    // 5.4.3: rollback, of the timestamp itself and of the snapshot that it names.
    refuseOlder('timestamp', found.version, known.version);
    if (found.version === known.version) {
      // Nothing new; whatever else differs in it was not announced by a new version.
      refuseExpired('timestamp', known, nowMs);
      return known;
    }
    refuseOlder('snapshot', found.snapshot.version, known.snapshot.version);
  }
  refuseExpired('timestamp', found, nowMs); // 5.4.4: freeze
  await store.write('timestamp', bytes); // 5.4.5
  return found;
}

/** 5.4.2: arbitrary installation. */
function verifyTimestamp(root: Root, bytes: Uint8Array): Envelope<Timestamp> {
  const envelope = parseEnvelope('timestamp', bytes);
  verifySignatures('timestamp', envelope, root.roles.timestamp, root.keys);
  return envelope;
}
