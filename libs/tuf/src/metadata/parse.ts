import { TufError } from '../errors.js';
import { parseKey, type PublicKey } from '../keys/key.js';
import {
  asArray,
  asBoolean,
  asEntries,
  asInteger,
  asObject,
  asString,
  type Json,
  type JsonObject,
  malformed,
} from './json.js';
import type {
  DelegatedRole,
  Delegations,
  Hashes,
  MetaFile,
  RoleKeys,
  Root,
  Snapshot,
  TargetFile,
  Targets,
  Timestamp,
  TopLevelRole,
} from './roles.js';

/** Far above what the policy of the repository allows (250 targets a role), and bounded before anything is made of them. */
const limits = { keys: 4096, metaFiles: 100_000, targets: 100_000, delegatedRoles: 16_384, paths: 1024, hashes: 8 };
const topLevelRoles: readonly string[] = ['root', 'timestamp', 'snapshot', 'targets'] satisfies TopLevelRole[];
/** With its encoding, a role's name becomes a file name. */
const maxRoleName = 160;
const maxPath = 1024;
const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** Specification 4.3. */
export function parseRoot(signed: JsonObject): Root {
  const roles = asObject(signed['roles'], 'roles');
  return {
    type: 'root',
    ...common(signed),
    consistentSnapshot: signed['consistent_snapshot'] === undefined ? false : flag(signed, 'consistent_snapshot'),
    keys: keysOf(signed['keys']),
    roles: {
      root: roleKeys(roles['root']),
      timestamp: roleKeys(roles['timestamp']),
      snapshot: roleKeys(roles['snapshot']),
      targets: roleKeys(roles['targets']),
    },
  };
}

/** Specification 4.6. */
export function parseTimestamp(signed: JsonObject): Timestamp {
  const meta = asObject(signed['meta'], 'meta');
  return { type: 'timestamp', ...common(signed), snapshot: metaFile(meta['snapshot.json']) };
}

/** Specification 4.4. */
export function parseSnapshot(signed: JsonObject): Snapshot {
  const meta = asEntries(signed['meta'], 'meta', limits.metaFiles).map(
    ([name, value]) => [asString(name, 'a file name', maxPath), metaFile(value)] as const,
  );
  return { type: 'snapshot', ...common(signed), meta: new Map(meta) };
}

/** Specification 4.5. */
export function parseTargets(signed: JsonObject): Targets {
  const targets = asEntries(signed['targets'], 'targets', limits.targets).map(
    ([path, value]) => [asString(path, 'a target path', maxPath), targetFile(value)] as const,
  );
  const delegations = signed['delegations'];
  return {
    type: 'targets',
    ...common(signed),
    targets: new Map(targets),
    delegations: delegations === undefined || delegations === null ? undefined : parseDelegations(delegations),
  };
}

function common(signed: JsonObject): { version: number; expiresMs: number } {
  const spec = asString(signed['spec_version'], 'spec_version', 32);
  if (!/^1(?:\.\d+){1,2}$/.test(spec))
    throw new TufError('unsupported-spec', `specification ${spec} is not known here`);
  const expires = asString(signed['expires'], 'expires', 32);
  const expiresMs = dateTime.test(expires) ? Date.parse(expires) : Number.NaN;
  if (Number.isNaN(expiresMs)) throw malformed(`expires is no date: ${expires}`);
  return { version: asInteger(signed['version'], 'version', 1), expiresMs };
}

function parseDelegations(value: Json): Delegations {
  const delegations = asObject(value, 'delegations');
  const roles = asArray(delegations['roles'], 'delegations.roles', limits.delegatedRoles).map(delegatedRole);
  if (new Set(roles.map(({ name }) => name)).size !== roles.length) throw malformed('a role is delegated to twice');
  return { keys: keysOf(delegations['keys']), roles };
}

function delegatedRole(value: Json): DelegatedRole {
  const role = asObject(value, 'a delegated role');
  const name = asString(role['name'], 'the name of a role', maxRoleName);
  // Else a delegate could write its own file over the trusted root's.
  if (name === '' || topLevelRoles.includes(name)) throw malformed(`a delegated role can't be named "${name}"`);
  return { name, ...roleKeys(value), terminating: flag(role, 'terminating'), scope: scopeOf(role) };
}

/** Exactly one of the two (4.5). */
function scopeOf(role: JsonObject): DelegatedRole['scope'] {
  const [paths, prefixes] = [role['paths'] ?? undefined, role['path_hash_prefixes'] ?? undefined];
  if ((paths === undefined) === (prefixes === undefined)) throw malformed('a delegated role has one kind of paths');
  if (paths !== undefined) return { paths: strings(paths, 'paths', limits.paths, maxPath) };
  return { hashPrefixes: strings(prefixes, 'path_hash_prefixes', limits.delegatedRoles, 64) };
}

function roleKeys(value: Json | undefined): RoleKeys {
  const role = asObject(value, 'a role');
  const keyIds = strings(role['keyids'], 'keyids', limits.keys, 256);
  if (new Set(keyIds).size !== keyIds.length) throw malformed('a role lists a key twice');
  return { keyIds, threshold: asInteger(role['threshold'], 'threshold', 1) };
}

function keysOf(value: Json | undefined): Map<string, PublicKey> {
  return new Map(
    asEntries(value, 'keys', limits.keys).map(([keyId, key]) => [asString(keyId, 'keyid', 256), parseKey(key)]),
  );
}

function metaFile(value: Json | undefined): MetaFile {
  const file = asObject(value, 'what is said of a metadata file');
  const { length, hashes } = file;
  return {
    version: asInteger(file['version'], 'version', 1),
    length: length === undefined ? undefined : asInteger(length, 'length', 1),
    hashes: hashes === undefined ? undefined : hashesOf(hashes),
  };
}

function targetFile(value: Json): TargetFile {
  const file = asObject(value, 'a target');
  return { length: asInteger(file['length'], 'length', 0), hashes: hashesOf(file['hashes']) };
}

function hashesOf(value: Json | undefined): Hashes {
  const entries = asEntries(value, 'hashes', limits.hashes);
  if (entries.length === 0) throw malformed('hashes is empty');
  return new Map(entries.map(([algorithm, digest]) => [algorithm, asString(digest, 'a digest', 256)]));
}

function strings(value: Json | undefined, what: string, limit: number, maxLength: number): string[] {
  return asArray(value, what, limit).map((item) => asString(item, what, maxLength));
}

function flag(object: JsonObject, name: string): boolean {
  return asBoolean(object[name], name);
}
