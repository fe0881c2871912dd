import type { JsonObject } from '../metadata/json.js';
import { asObject, parseJson } from '../metadata/json.js';
import { fileNameOf } from '../metadata/names.js';
import type { Root, Snapshot, Targets } from '../metadata/roles.js';
import type { Envelope } from '../metadata/envelope.js';
import type { RepositoryFiles } from './files.js';
import { PublishedFiles } from './published.js';
import { describe } from './sign.js';

export type SnapshotEntry = { version: number; length?: number; hashes?: JsonObject };

/** Where a repository stands. */
export interface RepositoryState {
  readonly root: Root | undefined;
  readonly top: Targets | undefined;
  readonly meta: ReadonlyMap<string, SnapshotEntry>;
  /** The last snapshot; undefined where its file is gone, and a new one is due in any case. */
  readonly snapshot:
    | {
        readonly version: number;
        readonly expiresMs: number;
        readonly keyIds: readonly string[];
        readonly file: { readonly length: number; readonly hashes: { readonly sha256: string } };
      }
    | undefined;
  readonly snapshotVersion: number;
  readonly timestampVersion: number;
}

/** Reads the state from the files; what they no longer say, from the floor: a version once seen is never given again. */
export async function openState(files: RepositoryFiles, floor: ReadonlyMap<string, number>): Promise<RepositoryState> {
  const published = new PublishedFiles(files);
  const root = await published.root();
  const timestamp = root === undefined ? undefined : await published.timestamp(root);
  const envelope = root && timestamp ? await published.snapshot(root, timestamp.snapshot.version) : undefined;
  const meta = await raised(files, envelope === undefined ? new Map() : metaOf(envelope), floor);
  const topVersion = meta.get('targets.json')?.version;
  const least = (role: string): number => floor.get(role) ?? 0;
  return {
    root,
    top: root && topVersion ? await published.topTargets(root, topVersion) : undefined,
    meta,
    snapshot: envelope === undefined ? undefined : snapshotOf(envelope),
    snapshotVersion: Math.max(least('snapshot'), timestamp?.snapshot.version ?? 0),
    timestampVersion: Math.max(least('timestamp'), timestamp?.version ?? 0),
  };
}

function metaOf({ bytes }: Envelope<Snapshot>): Map<string, SnapshotEntry> {
  const signed = asObject(parseJson(bytes)['signed'], 'signed');
  const entries = Object.entries(asObject(signed['meta'], 'meta'));
  return new Map(entries.map(([name, entry]) => [name, entry as SnapshotEntry]));
}

function snapshotOf({ role, bytes, signatures }: Envelope<Snapshot>): RepositoryState['snapshot'] {
  const { version, expiresMs } = role;
  return { version, expiresMs, keyIds: signatures.map(({ keyId }) => keyId), file: describe(bytes) };
}

/**
 * What the snapshot says, and no less than the floor: every role that was ever named, with the version that it must not fall below. Of
 * a snapshot that is gone, this puts together what it must have said.
 */
async function raised(
  files: RepositoryFiles,
  known: ReadonlyMap<string, SnapshotEntry>,
  floor: ReadonlyMap<string, number>,
): Promise<Map<string, SnapshotEntry>> {
  const meta = new Map(known);
  for (const [role, version] of floor) {
    if (['root', 'snapshot', 'timestamp'].includes(role) || (meta.get(`${role}.json`)?.version ?? 0) >= version)
      continue;
    const bytes = role.includes('/') ? undefined : await files.read(fileNameOf(role, version));
    meta.set(`${role}.json`, { version, ...(bytes === undefined ? {} : describe(bytes)) });
  }
  return meta;
}
