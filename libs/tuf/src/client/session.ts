import { TufError } from '../errors.js';
import type { Envelope } from '../metadata/envelope.js';
import { fileNameOf } from '../metadata/names.js';
import type { MetaFile, Role, Root, Snapshot, Targets, Timestamp } from '../metadata/roles.js';
import type { MetadataStore } from '../store/store.js';
import type { Fetcher } from './fetcher.js';
import type { ClientLimits } from './limits.js';

/** What every step of one update stands on. The time is fixed when it begins (5.1). */
export interface Session {
  readonly store: MetadataStore;
  readonly metadata: Fetcher;
  readonly limits: ClientLimits;
  readonly nowMs: number;
}

/** What an update ends with: four roles that agree. */
export interface Trusted {
  readonly root: Root;
  readonly timestamp: Timestamp;
  readonly snapshot: Snapshot;
  readonly targets: Targets;
}

/** Fetches what signed metadata announced; that the mirror has none is then the mirror's fault. */
export async function fetchAnnounced(
  { metadata }: Session,
  role: string,
  { version, length }: MetaFile,
  { consistentSnapshot }: Root,
  limitBytes: number,
): Promise<Buffer> {
  const name = fileNameOf(role, consistentSnapshot ? version : undefined);
  const bytes = await metadata.fetch(name, { maxBytes: Math.min(length ?? limitBytes, limitBytes) });
  if (bytes === undefined) throw new TufError('withheld', `the mirror has no ${name}, which was announced`);
  return bytes;
}

/**
 * A role from the store, if it still stands under the present keys. One that doesn't (the keys were changed, the file is damaged)
 * is as good as none: it is fetched again, and remembers nothing.
 */
export async function readTrusted<R extends Role>(
  { store }: Session,
  role: string,
  verify: (bytes: Uint8Array) => Envelope<R>,
): Promise<Envelope<R> | undefined> {
  const bytes = await store.read(role);
  if (bytes === undefined) return undefined;
  try {
    return verify(bytes);
  } catch (cause) {
    if (cause instanceof TufError) return undefined;
    throw cause;
  }
}
