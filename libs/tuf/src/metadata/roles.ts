// What the four kinds of metadata say (specification 4.3 to 4.6). What a file says beyond this stays in the bytes that are signed.
import type { PublicKey } from '../keys/key.js';

export type TopLevelRole = 'root' | 'timestamp' | 'snapshot' | 'targets';

/** Who may sign a role, and how many of them must. */
export interface RoleKeys {
  readonly keyIds: readonly string[];
  readonly threshold: number;
}

interface Common {
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly expiresMs: number;
}

export interface Root extends Common {
  readonly type: 'root';
  readonly consistentSnapshot: boolean;
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly roles: Readonly<Record<TopLevelRole, RoleKeys>>;
}

/** Digests by algorithm, in lower-case hex. */
export type Hashes = ReadonlyMap<string, string>;

/** What a role says of another role's file. Length and digests may be left out (4.4): the version never. */
export interface MetaFile {
  readonly version: number;
  readonly length: number | undefined;
  readonly hashes: Hashes | undefined;
}

export interface Timestamp extends Common {
  readonly type: 'timestamp';
  readonly snapshot: MetaFile;
}

export interface Snapshot extends Common {
  readonly type: 'snapshot';
  /** By file name: `targets.json`. */
  readonly meta: ReadonlyMap<string, MetaFile>;
}

export interface TargetFile {
  readonly length: number;
  readonly hashes: Hashes;
}

export interface DelegatedRole extends RoleKeys {
  readonly name: string;
  readonly terminating: boolean;
  /** Which targets it may speak for: patterns, or the beginnings of the SHA-256 of their paths. */
  readonly scope: { readonly paths: readonly string[] } | { readonly hashPrefixes: readonly string[] };
}

export interface Delegations {
  readonly keys: ReadonlyMap<string, PublicKey>;
  /** In the order in which they are searched. */
  readonly roles: readonly DelegatedRole[];
}

export interface Targets extends Common {
  readonly type: 'targets';
  readonly targets: ReadonlyMap<string, TargetFile>;
  readonly delegations: Delegations | undefined;
}

export type Role = Root | Timestamp | Snapshot | Targets;
